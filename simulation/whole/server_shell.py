"""The recording server on virtual time, at the other end of a network that fails.

A request that has left arrives, whoever waits for its answer, or does not wait any more. Must not
know gateways.
"""

import asyncio
from collections.abc import Callable
from random import Random

from loadtests.logs import LedgerEvent, Recorded
from loadtests.server.exchange import How, Reply, Request
from loadtests.server.model import Mode
from loadtests.server.recording import RecordingServer
from simulation.whole.history import History
from simulation.whole.scenario import Net, Scenario

_FAR = 60.0  # seconds after which the loss of a silent connection does not matter any more


class Lost(Exception):
    """There is no answer. ``connected``: something of the request may have arrived."""

    def __init__(self, cause: str, *, connected: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.connected = connected


class ServerShell:
    """Moves the server by the loop's time, writes its ledger, wakes its callers."""

    def __init__(self, scenario: Scenario, rng: Random, history: History) -> None:
        self._scenario = scenario
        self._rng = rng
        self._history = history
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self.server = RecordingServer(
            scenario.model,
            seed=scenario.seed,
            now=self._now(),
            honours_key=scenario.policy.honours_key,
            faults=scenario.faults,
        )
        self.ledger: list[LedgerEvent] = [self.server.describe()]
        self.recorded: dict[str, int] = {}
        self._callers: dict[int, asyncio.Future[Reply]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._move()

    async def record(self, request: Request, left: Callable[[], None]) -> Reply:
        """One request and its reply, over the network. ``left``: told when it is on its way.

        Raises:
            Lost: there is none.
        """
        met = self._connect()
        caller: asyncio.Future[Reply] = self._loop.create_future()
        if met is Net.CUT:
            await self._travel()
            raise Lost("reset", connected=True)
        self._loop.call_later(self._latency(), self._arrive, request, caller)
        left()
        reply = await caller
        await self._travel()
        if met is Net.LOST or reply.how is How.HALF:
            raise Lost("eof", connected=True)
        if met is Net.SILENT:
            await asyncio.sleep(_FAR)
        if reply.how is How.RESET:
            raise Lost("reset", connected=True)
        return reply

    async def look_up(self, key: str) -> int:
        """Ask whether a key is recorded: the status of the answer.

        Raises:
            Lost: there is none.
        """
        self._connect()
        await self._travel()
        self._move()
        caller: asyncio.Future[Reply] = self._loop.create_future()
        self._callers[self.server.read(now=self._now())] = caller
        self._move()
        reply = await caller
        if reply.how is not How.ANSWER:
            raise Lost("reset", connected=True)
        if reply.status != 200:
            return reply.status
        return 200 if self.server.find(key) is not None else 404

    @property
    def outstanding(self) -> int:
        """How many it has in hand."""
        return self.server.totals(now=self._now()).outstanding

    def sample(self) -> None:
        """Write the totals, as the real server does once per second."""
        sample = self.server.sample(now=self._now())
        self._move()
        self.ledger.append(sample)

    def _connect(self) -> Net | None:
        """What the network does to this one.

        Raises:
            Lost: there is no connection.
        """
        met = self._meets()
        if self.server.mode is Mode.REFUSE or met is Net.REFUSED:
            raise Lost("refused", connected=False)
        if met in {Net.DNS, Net.TLS, Net.UNREACHABLE}:
            raise Lost(met.value, connected=False)
        return met

    def unauthorized(self) -> bool:
        """Whether something on the way says no to everything."""
        return self._meets() is Net.UNAUTHORIZED

    def _meets(self) -> Net | None:
        at = self._loop.time()
        for fault in self._scenario.network:
            if fault.begin <= at < fault.end and self._rng.random() < fault.probability:
                return fault.kind
        return None

    def _latency(self) -> float:
        return self._rng.uniform(0.0, self._scenario.latency)

    async def _travel(self) -> None:
        await asyncio.sleep(self._latency())

    def _arrive(self, request: Request, caller: "asyncio.Future[Reply]") -> None:
        ticket = self.server.arrive(request, now=self._now())
        if caller.done():
            self.server.leave(ticket)
        else:
            self._callers[ticket] = caller
            caller.add_done_callback(lambda _: self._leave(ticket))
        self._move()

    def _leave(self, ticket: int) -> None:
        if self._callers.pop(ticket, None) is not None:
            self.server.leave(ticket)

    def _move(self) -> None:
        """Bring the server to the present, and set the timer for what is next."""
        for happening in self.server.advance(self._now()):
            if isinstance(happening, Reply):
                caller = self._callers.pop(happening.ticket, None)
                if caller is not None and not caller.done():
                    caller.set_result(happening)
                continue
            self.ledger.append(happening)
            self._history.note("server", happening)
            if isinstance(happening, Recorded) and happening.enrollment is not None:
                times = self.recorded.get(happening.enrollment, 0)
                self.recorded[happening.enrollment] = times + 1
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.server.next_event()
        if at is not None:
            self._timer = self._loop.call_later(max(0.0, at - self._now()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._move()
