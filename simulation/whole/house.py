"""One run of the gateway, from opening its journal to its end: everything real but the edges.

Real are the core, sealing, delivery, intake behind its HTTP, and operators' acts.
"""

import asyncio
from collections.abc import Callable
from random import Random

from gateway.admin.acts import Acts
from gateway.core.facts import Fact, JournalRecovered
from gateway.core.limiter import Limiter, LimiterSettings
from gateway.delivery.courier import Courier
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.memory import Memory
from gateway.intake.enrolling import Enrolling
from gateway.intake.receipt_resource import ReceiptResource
from gateway.intake.receipts import Receipts
from gateway.intake.waiters import Waiters
from simulation.whole.account import Account, WatchedGate
from simulation.whole.calls import Calls
from simulation.whole.door import Door
from simulation.whole.journal import WatchedJournal
from simulation.whole.loop import Household
from simulation.whole.machine import Machine
from simulation.whole.scenario import Scenario
from simulation.whole.secrets import RECEIPT_KEYS, SEALER
from simulation.whole.transport import SimulatedTransport

_GRACE = 4.0  # seconds, as the wiring has it


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
        self.household = Household()
        self._calls = Calls(self.household, self.complain)
        self.asked = self._calls.asked
        self.journal = journal
        self.clock = machine.clock()
        self.account = Account(scenario.timeout, self.complain, self.clock.monotonic)
        self._scenario = scenario
        self._rng = rng
        self._tell = publish
        self._complain = complain
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
            sealer=SEALER,
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
        receipts = Receipts(RECEIPT_KEYS, journal=journal, clock=clock)
        at_receipts = ReceiptResource(
            journal=journal,
            sealer=SEALER,
            delivery=self.dispatcher,
            receipts=receipts,
            waiters=self.waiters,
        )
        enrolling = Enrolling(
            journal=journal,
            sealer=SEALER,
            delivery=self.dispatcher,
            receipts=receipts,
            waiters=self.waiters,
            clock=clock,
            rng=rng,
            publish=self.publish,
        )
        self.door = Door(
            enrolling=enrolling, receipts=at_receipts, journal=journal, asked=self.asked
        )
        self._running = self.household.spawn(self.dispatcher.run())
        self._running.add_done_callback(self._ended)

    def publish(self, fact: Fact) -> None:
        """Hand a fact to those of this process, and to the history."""
        if self.alive:
            self.waiters.see(fact)
            self._tell(fact)

    def crash(self) -> None:
        """The process is gone, this moment: nothing of it gets on."""
        self.killed = True
        self.alive = False
        self._calls.die()
        self.journal.crash()
        self.household.kill()

    async def stop(self) -> None:
        """Told to stop: close the doors, let what is under way end, close the journal."""
        self._calls.close()
        stopping = self.household.spawn(self._stop())
        await asyncio.wait([stopping])
        if not stopping.cancelled() and (error := stopping.exception()) is not None:
            self.complain(f"the gateway did not stop in peace: {error!r}")
        self.alive = False
        self._calls.die()
        self.household.kill()

    async def _stop(self) -> None:
        self.waiters.release()
        await self._calls.done(within=_GRACE)
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
