"""What is under way: each errand on its slot, from its start until its outcome is recorded.

The slot is free again as soon as the exchange has ended, long before its record is durable. Must
not choose what goes next; it says when there may be something to choose.
"""

from collections.abc import Callable

from gateway.clock import Clock
from gateway.core.outcome import Finding, Outcome
from gateway.core.rate import RateMeter
from gateway.delivery.courier import Courier, Errand
from gateway.delivery.gate import Gate
from gateway.delivery.underway import Underway
from gateway.delivery.waiting import Waiting
from gateway.journal.contract import JournalBroken, JournalFault

AFTER_FAULT = 1.0  # seconds until the journal is asked again
MOMENT = 0.01  # seconds; in so little no rate changes that is one of some seconds


class Carrying:
    """Carries errands, and frees their slots.

    Attributes:
        underway: what is in hand.
    """

    def __init__(
        self,
        courier: Courier,
        gate: Gate,
        waiting: Waiting,
        *,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """Wire it up. ``wake``: another may go now, or nothing may go on any more."""
        self._courier = courier
        self._gate = gate
        self._waiting = waiting
        self._clock = clock
        self._wake = wake
        self._rate = RateMeter()
        self._rated, self._rated_at = 0.0, float("-inf")
        self.underway = Underway(failed=wake)

    def rate(self) -> float:
        """Answers per second, lately: as it was a moment ago, for each newcomer asks for it."""
        now = self._clock.monotonic()
        if now - self._rated_at >= MOMENT:
            self._rated, self._rated_at = self._rate.rate(now=now), now
        return self._rated

    def send(self, errand: Errand) -> None:
        """Begin an attempt; its slot is taken."""
        self.underway.begin(errand.id, self._carry(errand))

    def park(self, errand: Errand) -> None:
        """Make a dead letter of it; it has no slot."""
        self.underway.begin(errand.id, self._park(errand))

    def withdraw(self, enrollment_id: str) -> None:
        """Give back a slot on which nothing was sent."""
        self._waiting.live.outstanding.discard(enrollment_id)
        self._gate.give_back(enrollment_id)
        self._wake()

    async def _park(self, errand: Errand) -> None:
        fault: Exception | None = None
        try:
            await self._courier.park(errand)
        except Exception as error:  # noqa: BLE001 - the loop must know
            fault = error
        finally:
            self.underway.let_go(errand.id, fault)

    async def _carry(self, errand: Errand) -> None:
        fault: Exception | None = None
        try:
            carried = await self._courier.carry(errand, self._heard)
            if carried is None:
                return
            if carried.consequence.next_attempt_at is not None:
                self._waiting.again(at=carried.consequence.next_attempt_at)
                self._wake()
            elif carried.ordered:
                self._waiting.backlog.freed(at=self._clock.now())
                self._wake()
        except Exception as error:  # noqa: BLE001 - the loop must know
            if isinstance(error, JournalFault) and not isinstance(error, JournalBroken):
                # The intent could not be written and nothing was sent: as it was, a little later.
                self._waiting.backlog.expect(self._clock.now() + AFTER_FAULT)
                self._wake()
            else:
                fault = error
        finally:
            if self._gate.holds(errand.id):
                self.withdraw(errand.id)
            # It is not in hand any more: a page read before this task ends must not leave it out.
            self.underway.let_go(errand.id, fault)

    def _heard(self, enrollment_id: str, finding: Finding, seconds: float) -> None:
        self._waiting.live.outstanding.discard(enrollment_id)
        self._gate.heard(enrollment_id, finding, seconds)
        if finding.answer is not None:
            self._rate.count(now=self._clock.monotonic())
        if finding.outcome is not Outcome.DELIVERED or self._waiting.anything():
            self._wake()
        else:
            self._gate.tick(demand=0)
