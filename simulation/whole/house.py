"""One run of the gateway, from opening its journal to its end: everything real but the edges.

Real are the core, sealing, delivery, intake behind its HTTP, and operators' acts.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeVar, cast

from joserfc.jwk import KeySet, OKPKey
from multidict import CIMultiDict

from gateway.admin.acts import Acts
from gateway.core.facts import Fact, JournalRecovered
from gateway.core.limiter import Limiter, LimiterSettings
from gateway.delivery.courier import Courier
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.memory import Memory
from gateway.intake.enrolling import Enrolling
from gateway.intake.receipt_resource import ReceiptResource
from gateway.intake.receipts import Receipts, Standing
from gateway.intake.replies import Refused, Reply
from gateway.intake.signing import ReceiptKeys
from gateway.intake.visit import Visit, Wishes
from gateway.intake.waiters import Waiters
from gateway.journal.contract import JournalFault, Kept
from gateway.journal.keyring import KeyRing
from gateway.journal.sealing import Sealer
from gateway.observe.tracing import UNTRACED
from simulation.whole.account import Account, WatchedGate
from simulation.whole.journal import WatchedJournal
from simulation.whole.loop import Household
from simulation.whole.machine import Machine
from simulation.whole.scenario import Arrival, Scenario
from simulation.whole.transport import SimulatedTransport

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.intake.connection import StationConnection

_GRACE = 4.0  # seconds, as the wiring has it
_SEALER = Sealer(KeyRing.generate())  # what it seals is in no history, so one serves for all


class _Unsigned(ReceiptKeys):
    """Receipts without a signature: nobody checks it here, and it would cost the most."""

    def sign(self, claims: object) -> str:
        del claims
        return "unsigned"


_KEYS = _Unsigned(KeySet([OKPKey.generate_key("Ed25519", auto_kid=True)]))


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Brought:
    """An enrollment as intake is told of it. ``hold``: seconds that its station waits at most."""

    station: str
    key: str
    ordering_key: str | None
    priority: int
    hold: float


class Gone(Exception):
    """Nobody listens, or the connection broke: the process is not there any more."""


@dataclass
class Line:
    """A station's connection, as far as intake looks at it."""

    on_lost: Callable[[], object] | None = None
    transport: object | None = "a wire"

    def hang_up(self) -> None:
        """The station goes away."""
        self.transport = None
        on_lost, self.on_lost = self.on_lost, None
        if on_lost is not None:
            on_lost()


@dataclass(frozen=True)
class _Head:
    """What intake reads of a head beyond the visit."""

    method: str
    headers: CIMultiDict[str]


_HEAD = cast("web.BaseRequest", _Head("POST", CIMultiDict()))


class House:
    """A gateway at work, until ``stop`` or ``crash``."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        journal: WatchedJournal,
        machine: Machine,
        rng: Random,
        publish: Callable[[Fact], None],
        complain: Callable[[str], None],
    ) -> None:
        self.alive = True
        self.killed = False
        self._listening = True
        self.household = Household()
        self.journal = journal
        self.clock = machine.clock()
        self.account = Account(scenario.timeout, self.complain, self.clock.monotonic)
        self._scenario = scenario
        self._rng = rng
        self._tell = publish
        self._complain = complain
        self._calls: dict[asyncio.Task[object], None] = {}
        self.waiters = Waiters()

    async def open(self, transport: SimulatedTransport) -> None:
        """Open the journal, wire up what stands on it, and begin to deliver."""
        scenario, journal, clock, rng = self._scenario, self.journal, self.clock, self._rng
        in_doubt = await journal.open(now=clock.now())
        if in_doubt:
            self.publish(JournalRecovered(in_doubt))
        memory = Memory(journal, clock)
        limiter = Limiter(
            settings=LimiterSettings(max_window=scenario.max_window),
            rng=rng,
            now=clock.monotonic(),
            memory=await memory.window(),
        )
        self.gate = WatchedGate(
            limiter, clock=clock, publish=self.publish, ghost_seconds=scenario.timeout
        )
        self.gate.account = self.account
        courier = Courier(
            journal=journal,
            sealer=_SEALER,
            transport=transport,
            policy=scenario.policy,
            clock=clock,
            rng=rng,
            publish=self.publish,
        )
        self.dispatcher = Dispatcher(
            journal=journal,
            courier=courier,
            gate=self.gate,
            memory=memory,
            policy=scenario.policy,
            clock=clock,
        )
        self.acts = Acts(journal, self.dispatcher, self.publish, clock)
        receipts = Receipts(_KEYS, journal=journal, delivery=self.dispatcher, clock=clock)
        self.receipts = ReceiptResource(
            journal=journal,
            sealer=_SEALER,
            delivery=self.dispatcher,
            receipts=receipts,
            waiters=self.waiters,
        )
        self.enrolling = Enrolling(
            journal=journal,
            sealer=_SEALER,
            delivery=self.dispatcher,
            receipts=receipts,
            waiters=self.waiters,
            clock=clock,
            rng=rng,
            publish=self.publish,
        )
        self._running = self.household.spawn(self.dispatcher.run())
        self._running.add_done_callback(self._ended)

    def publish(self, fact: Fact) -> None:
        """Hand a fact to those of this process, and to the history."""
        if self.alive:
            self.waiters.see(fact)
            self._tell(fact)

    async def enroll(self, arrival: Arrival | Brought, body: bytes, line: Line) -> Reply | Refused:
        """A request at the door, and what is answered.

        Raises:
            Gone: no answer came.
        """
        visit = _visit(arrival, line)

        async def answer() -> Reply | Refused:
            try:
                return await self.enrolling.enroll(visit, body)
            except Refused as refused:
                return refused

        return await self.asked(answer())

    async def receipt(self, target: str, station: str, line: Line, *, wait: int) -> Reply | Refused:
        """A station asks for a receipt by its address, and waits a while for the end.

        Raises:
            Gone: no answer came.
        """
        head = cast("web.BaseRequest", _Head("GET", CIMultiDict(Prefer=f"wait={wait}")))

        async def answer() -> Reply | Refused:
            try:
                return await self.receipts.receipt(
                    head, target, station=station, connection=cast("StationConnection", line)
                )
            except Refused as refused:
                return refused

        return await self.asked(answer())

    async def look(self, arrival: Arrival) -> Standing | None:
        """A station asks for its receipt by key; None: the gateway cannot say now.

        Raises:
            Gone: no answer came.
        """

        async def answer() -> Standing | None:
            try:
                kept = await self.journal.find_identity(
                    _SEALER.identity(arrival.station, arrival.key)
                )
                return None if kept is None else Standing.found(kept, _SEALER)
            except JournalFault:
                return None

        return await self.asked(answer())

    async def asked(self, work: Coroutine[object, object, T]) -> T:
        """Do something inside the process, for someone outside.

        Raises:
            Gone: the process was gone before the end.
        """
        if not self._listening:
            work.close()
            raise Gone
        end: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        task = self.household.spawn(work)
        self._calls[task] = None

        def ended(task: asyncio.Task[T]) -> None:
            del self._calls[task]
            if end.done():
                return
            if task.cancelled() or not self.alive:
                end.set_exception(Gone())
            elif (error := task.exception()) is not None:
                self.complain(f"a request failed with {error!r}")
                end.set_exception(Gone())
            else:
                end.set_result(task.result())

        task.add_done_callback(ended)
        return await end

    def crash(self) -> None:
        """The process is gone, this moment: nothing of it gets on."""
        self.killed = True
        self.alive = self._listening = False
        self.journal.crash()
        self.household.kill()

    async def stop(self) -> None:
        """Told to stop: close the doors, let what is under way end, close the journal."""
        self._listening = False
        stopping = self.household.spawn(self._stop())
        await asyncio.wait([stopping])
        if not stopping.cancelled() and (error := stopping.exception()) is not None:
            self.complain(f"the gateway did not stop in peace: {error!r}")
        self.alive = False
        self.household.kill()

    async def _stop(self) -> None:
        self.waiters.release()
        if self._calls:
            await asyncio.wait(list(self._calls), timeout=_GRACE)
        await self.dispatcher.stop(grace_seconds=_GRACE)
        await self._running
        await self.journal.close()

    def complain(self, what: str) -> None:
        """Something is wrong, and it is not that the process is dead."""
        if self.alive:
            self._complain(what)

    def _ended(self, running: "asyncio.Task[None]") -> None:
        if not running.cancelled() and (error := running.exception()) is not None:
            self.complain(f"the delivery loop ended with {error!r}")


def key_of(kept: Kept) -> str:
    """The idempotency key of what the journal holds."""
    return _SEALER.envelope(kept).key


def _visit(arrival: Arrival | Brought, line: Line) -> Visit:
    headers = [("X-Enrollment", arrival.key)]
    if arrival.ordering_key is not None:
        headers.append(("Ordering-Key", arrival.ordering_key))
    return Visit(
        request=_HEAD,
        connection=cast("StationConnection", line),
        station=arrival.station,
        target="/enrollments",
        headers=tuple(headers),
        wishes=Wishes(
            key=arrival.key,
            key_as_given=arrival.key,
            ordering_key=arrival.ordering_key,
            priority=arrival.priority,
            hold_seconds=arrival.hold,
            applied="",
        ),
        span=UNTRACED,
    )
