"""Plays one scenario from its first citizen until the desks have gone home."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from gateway.core.facts import Fact, UpstreamStateChanged
from gateway.core.lifecycle import Status
from loadtests.logs import End, GatewaySample, LedgerEvent, Run, SentEvent
from loadtests.scenario import Scenario
from loadtests.schedule import Schedule
from loadtests.stations import HABITS, usual_habit
from loadtests.watch import SETTLE_SECONDS
from simulation.scenarios.desks import Desks
from simulation.scenarios.terms import settings_of, terms_of
from simulation.whole.history import History
from simulation.whole.house import House
from simulation.whole.journal import WatchedJournal
from simulation.whole.loop import SteppingLoop
from simulation.whole.machine import Machine
from simulation.whole.scenario import Scenario as Terms
from simulation.whole.server_shell import ServerShell
from simulation.whole.transport import Doubts, SimulatedTransport

VIA: Final = "simulated gateway"
_WAITING: Final = (Status.PENDING, Status.SENDING, Status.IN_DOUBT)


@dataclass(slots=True)
class Played:
    """The logs of a simulated run; their times count from the first possible arrival.

    ``broken``: what the gateway must never do and did, by the watchers of the journal, of the
    window and of every attempt; empty is good.
    """

    sent: Sequence[SentEvent]
    ledger: Sequence[LedgerEvent]
    gateway: Sequence[GatewaySample]
    broken: list[str] = field(default_factory=list)


def play(scenario: Scenario, *, seed: int, scale: float = 1.0) -> Played:
    """Play it as it is, which is to say already scaled; ``scale`` is only noted.

    Raises:
        NotSimulated: it has something that has no likeness here.
    """
    terms = terms_of(scenario, seed)
    loop = SteppingLoop()

    async def main() -> Played:
        return await _Play(scenario, terms, scale).go()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())


class _Unwritten(History):
    """A whole season has too many moments to keep; its logs are kept anyway."""

    def note(self, who: str, what: object) -> None:
        del who, what


class _Play:
    def __init__(self, scenario: Scenario, terms: Terms, scale: float) -> None:
        self._scenario = scenario
        self._terms = terms
        self._scale = scale
        self._loop = asyncio.get_running_loop()
        self._broken: list[str] = []
        self._machine = Machine(terms.disk, self._rng("disk"))
        self._shell = ServerShell(terms, self._rng("network"), _Unwritten())
        settings = settings_of(scenario)
        self._journal = WatchedJournal(
            commit=self._machine.write,
            applied=lambda: None,
            complain=self._broken.append,
            max_bytes=settings.journal.max_bytes,
        )
        self._doubts = Doubts(terms.policy)
        self._house: House | None = None
        self._runs = 0
        self._state = "unknown"
        self._gateway: list[GatewaySample] = []
        self._desks = Desks(
            Schedule.of(scenario, terms.seed, str(terms.seed)),
            habit=HABITS[usual_habit("gateway", scenario.stations.habit)],
            hold=settings.intake.hold_seconds,
            ends_at=scenario.arrivals.seconds + scenario.limit_seconds,
            house=lambda: self._house,
        )

    async def go(self) -> Played:
        samples = self._loop.create_task(self._sample_every_second())
        await self._start()
        kills = self._loop.create_task(self._play_kills())
        await self._desks.work()
        await kills
        await self._settle()
        samples.cancel()
        if self._house is not None:
            await self._house.stop()
        scenario, terms, desks = self._scenario, self._terms, self._desks
        run = Run(scenario.as_data(), terms.seed, self._scale, VIA, 0.0, 0.0)
        end = End(self._loop.time(), desks.came - desks.decided, 0.0)
        return Played([run, *desks.log, end], self._shell.ledger, self._gateway, self._broken)

    def _rng(self, purpose: str) -> Random:
        return Random(f"{purpose}/{self._terms.seed}")

    async def _start(self) -> None:
        self._runs += 1
        house = House(
            self._terms,
            journal=self._journal,
            machine=self._machine,
            rng=self._rng(f"gateway-{self._runs}"),
            publish=self._see,
            complain=self._broken.append,
        )
        transport = SimulatedTransport(
            shell=self._shell,
            journal=self._journal,
            account=house.account,
            doubts=self._doubts,
            timeout=self._terms.timeout,
            odd=lambda _: None,
            left=lambda: None,
            complain=house.complain,
        )
        opening = house.household.spawn(house.open(transport))
        await asyncio.wait([opening])
        opening.result()
        self._house = house

    async def _play_kills(self) -> None:
        """The gateway's process is gone, and started again on the same journal."""
        for kill in self._scenario.kills:
            await asyncio.sleep(max(0.0, kill.at_seconds - self._loop.time()))
            house, self._house = self._house, None
            if house is not None:
                house.crash()
            await asyncio.sleep(kill.down_seconds)
            await self._start()

    async def _settle(self) -> None:
        """Let the server finish what is in its hands: that, too, is recorded."""
        until = self._loop.time() + SETTLE_SECONDS
        while self._loop.time() < until and self._shell.outstanding:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.1)

    async def _sample_every_second(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._shell.sample()
            house, journal = self._house, self._journal
            if house is not None:
                self._gateway.append(
                    GatewaySample(
                        at=self._loop.time(),
                        state=self._state,
                        window=house.gate.window,
                        outstanding=len(house.account.held),
                        pending=sum(journal.standing_at(status) for status in _WAITING),
                    )
                )

    def _see(self, fact: Fact) -> None:
        if isinstance(fact, UpstreamStateChanged):
            self._state = fact.to_state.value
