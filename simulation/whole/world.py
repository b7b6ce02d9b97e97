"""A whole world for one history: puts the parts together, and plays it to its end."""

import asyncio
import contextvars
from collections import Counter
from collections.abc import Callable, Coroutine
from random import Random

from gateway.core.facts import (
    AttemptFinished,
    AttemptStarted,
    DoubtResolved,
    Fact,
    UpstreamStateChanged,
)
from simulation.whole.history import History
from simulation.whole.house import House
from simulation.whole.journal import WatchedJournal
from simulation.whole.loop import SteppingLoop
from simulation.whole.machine import Machine
from simulation.whole.operator import Operator
from simulation.whole.scenario import Act, Blow, Crash, Scenario, Stop
from simulation.whole.server_shell import ServerShell
from simulation.whole.stations import Stations
from simulation.whole.transport import Doubts, SimulatedTransport
from simulation.whole.watch import Watch

_LOOK_EVERY = 2.0  # seconds
_DRAIN = 1500.0  # seconds from calm in which everything must come to an end
_ANSWERS = 60.0  # seconds in which stations that ask again hear of the end


class World:
    """One history. ``play`` it once; then its parts tell what happened."""

    def __init__(self, scenario: Scenario, loop: SteppingLoop) -> None:
        self.scenario = scenario
        self.history = History()
        self.tally: Counter[str] = Counter()
        self.broken: list[str] = []
        self._loop = loop
        self.machine = Machine(scenario.disk, self.rng("disk"))
        self.shell = ServerShell(scenario, self.rng("network"), self.history)
        self.journal = WatchedJournal(
            commit=self._commit, applied=lambda: self._strike(Blow.APPLIED), complain=self.complain
        )
        self.doubts = Doubts(scenario.policy)
        self.stations = Stations(
            house=lambda: self.house, rng=self.rng("stations"), history=self.history
        )
        self.house: House | None = None  # open to stations and operators
        self._up: House | None = None
        self._runs = 0
        self._ends = list(scenario.ends)
        self._struck: Counter[Blow] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch = Watch(
            house=lambda: self.house,
            journal=self.journal,
            history=self.history,
            complain=self.complain,
            calm_at=scenario.calm_at + scenario.timeout,
        )

    def rng(self, purpose: str) -> Random:
        """Chance of its own for each purpose, so that one more draw here moves nothing there."""
        return Random(f"{purpose}/{self.scenario.seed}")

    def complain(self, what: str) -> None:
        """An invariant is broken."""
        self.history.note("BROKEN", what)
        self.broken.append(what)

    async def play(self) -> None:
        """From the beginning to the end, or to the first broken invariant."""
        scenario, loop = self.scenario, self._loop
        operator = Operator(
            house=lambda: self.house,
            policy=scenario.policy,
            journal=self.journal,
            shell=self.shell,
            doubts=self.doubts,
            history=self.history,
            tally=self.tally,
        )
        for arrival in scenario.arrivals:
            self.stations.expect(arrival)
        for at, seconds in scenario.jumps:
            loop.call_at(at, self._jump, seconds)
        for at, act in scenario.acts:
            loop.call_at(at, self._let_act, operator, act)
        loop.on_turn = lambda: self._strike(Blow.STEP)
        loop.on_idle = self._watch.idle
        await self._start()
        await self._until(lambda: loop.time() >= scenario.calm_at, scenario.calm_at)
        deadline = loop.time() + _DRAIN + self._slack()
        await self._until(self._settled, deadline)
        while not self.broken and await operator.clear_dead_letters():
            await self._until(self._settled, deadline)
        if not self._settled():
            self.complain(f"not over {deadline - scenario.calm_at:.0f} s after all was calm")
        await self._until(lambda: not self.stations.busy, loop.time() + _ANSWERS)
        self._ends.clear()
        if self.house is not None:
            await self._stop(self.house)
        loop.on_turn = loop.on_idle = lambda: None

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Something of the world outside of the gateway, even if that is where it is asked for."""
        task = self._loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def seen(self, fact: Fact) -> None:
        """A fact of the gateway."""
        self.history.note("gateway", fact)
        match fact:
            case AttemptStarted():
                self.tally["attempts"] += 1
                self._watch.attempt(fact.id)
            case AttemptFinished():
                self.tally[f"attempts {fact.outcome.value}"] += 1
            case DoubtResolved():
                self.tally[f"doubts resolved by {fact.by}"] += 1
            case UpstreamStateChanged():
                self.tally[f"upstream {fact.to_state.value}"] += 1
            case _:
                self.tally[type(fact).__name__] += 1
        self._strike(Blow.FACT)

    # -- the gateway's runs ----------------------------------------------------------------------

    async def _start(self) -> None:
        self._struck.clear()
        self._runs += 1
        house = self._up = House(
            self.scenario,
            journal=self.journal,
            machine=self.machine,
            rng=self.rng(f"gateway-{self._runs}"),
            publish=self.seen,
            complain=self.complain,
        )
        odd = self.scenario.odd
        transport = SimulatedTransport(
            shell=self.shell,
            journal=self.journal,
            account=house.account,
            doubts=self.doubts,
            timeout=self.scenario.timeout,
            odd=lambda key: self._odd(odd.get(int(key.rpartition("-")[2]))),
            left=lambda: self._strike(Blow.SENT),
            complain=house.complain,
        )
        self.history.note("gateway", f"starts, run {self._runs}")
        opening = house.household.spawn(house.open(transport))
        await asyncio.wait([opening])
        if not house.alive:
            return
        if opening.cancelled() or (error := opening.exception()) is not None:
            self.complain(f"the gateway did not start: {error!r}")
            return
        self.house = house
        self._watch.begin()
        if self._ends and isinstance(self._ends[0], Stop):
            self._loop.call_later(self._ends[0].after, self._tell_to_stop, house)

    def _strike(self, where: Blow) -> None:
        end = self._ends[0] if self._ends else None
        if not isinstance(end, Crash) or end.where is not where or self._up is None:
            return
        self._struck[where] += 1
        if self._struck[where] < end.count:
            return
        self._ends.pop(0)
        house, self._up, self.house = self._up, None, None
        self.tally["crashes"] += 1
        self.history.note("machine", f"the gateway's process dies at {where.value} {end.count}")
        house.crash()
        self._watch.end()
        self._loop.call_later(end.seconds, lambda: self.spawn(self._start()))

    def _tell_to_stop(self, house: House) -> None:
        if self.house is house and self._ends and isinstance(self._ends[0], Stop):
            end = self._ends.pop(0)
            self.spawn(self._stop_and_start(house, end.seconds))

    async def _stop_and_start(self, house: House, seconds: float) -> None:
        self.tally["stops"] += 1
        await self._stop(house)
        if not house.killed:  # else it starts again after its crash
            await asyncio.sleep(seconds)
            await self._start()

    async def _stop(self, house: House) -> None:
        self.history.note("machine", "the gateway is told to stop")
        self.house = None
        self._watch.end()
        await house.stop()
        if self._up is house:
            self._up = None

    # -- the end ---------------------------------------------------------------------------------

    def _settled(self) -> bool:
        """All came, all were promised or refused for good, and nothing waits any more."""
        return (
            self.house is not None
            and not self.stations.unpromised
            and not self.journal.in_motion
            and not self.journal.busy
        )

    async def _until(self, over: Callable[[], bool], deadline: float) -> None:
        # What it looks at has no event.
        while not self.broken and not over() and self._loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY)

    def _slack(self) -> float:
        """What the machine, the server and a person may add to a drain by themselves.

        Too old is only who has its turn, so of those with one ordering key a person decides about
        one after the other: each waits for the look into the server's books, and has an attempt.
        """
        scenario = self.scenario
        work = len(scenario.arrivals) * scenario.model.service_seconds / scenario.model.workers
        away = sum(end.seconds for end in scenario.ends)
        chains = Counter((one.station, one.ordering_key) for one in scenario.arrivals)
        grows_old = scenario.policy.retry.max_age < _DRAIN
        longest = max((n for (_, key), n in chains.items() if key), default=0) if grows_old else 0
        decisions = 5 * scenario.policy.settle_seconds
        decisions += longest * (scenario.policy.settle_seconds + scenario.timeout)
        return 3 * work + away + decisions + 4000.0 * len(scenario.jumps)

    def _odd(self, status: int | None) -> int | None:
        if status is not None and status >= 500 and self._loop.time() >= self.scenario.calm_at:
            return None
        return status

    def _let_act(self, operator: Operator, act: Act) -> None:
        self.spawn(operator.act(act))

    def _jump(self, seconds: float) -> None:
        self.tally["jumps"] += 1
        self.history.note("machine", f"the wall clock is set by {seconds:+.0f} s")
        self.machine.jump(seconds)

    async def _commit(self) -> None:
        self._strike(Blow.COMMIT)
        await self.machine.write()
