"""Fills the window: what the plan chooses starts, and what nobody may send is parked.

Must not wait: it finds what is ready, and leaves the rest to the loop.
"""

from typing import Final

from gateway.clock import Clock
from gateway.core.decide import Case, DeliveryPolicy, Triage, triage
from gateway.core.lifecycle import Status
from gateway.core.scheduler import plan
from gateway.delivery.carrying import Carrying
from gateway.delivery.courier import Errand
from gateway.delivery.gate import Gate
from gateway.delivery.waiting import Waiting
from gateway.journal.contract import Due

_PARKED: Final = (Triage.PARK_TOO_OLD, Triage.PARK_IN_DOUBT)


class Filling:
    """Takes from what waits, and gives it to be carried."""

    def __init__(
        self,
        waiting: Waiting,
        gate: Gate,
        carrying: Carrying,
        *,
        policy: DeliveryPolicy,
        clock: Clock,
    ) -> None:
        self._waiting = waiting
        self._gate = gate
        self._carrying = carrying
        self._policy = policy
        self._clock = clock

    def park_the_hopeless(self) -> None:
        """Nothing that only a person can decide may keep the others waiting."""
        now = self._clock.now()
        for due in self._waiting.backlog:
            case = _case(due)
            what = triage(case, self._policy, now=now)
            if what in _PARKED:
                self._waiting.take(due.id)
                self._carrying.park(Errand(due.id, case, what))

    def fill(self) -> bool:
        """Start as many as there are slots; whether one is left that another may take at once."""
        free = self._gate.free()
        if free == 0:
            return False
        live = self._waiting.live
        chosen = plan(
            free=free,
            window=self._gate.window,
            live_outstanding=len(live.outstanding),
            newest_live=live.newest(),
            backlog=self._waiting.backlog.ids(),
        )
        live.outstanding.update(chosen.live)
        now, patience = self._clock.now(), self._gate.patience
        left = False
        for enrollment_id in (*chosen.live, *chosen.backlog):
            left |= not self._start(enrollment_id, now, patience)
        return left

    def _start(self, enrollment_id: str, now: float, patience: float | None) -> bool:
        """Whether it took its slot."""
        enrollment, due = self._waiting.take(enrollment_id)
        if due is not None:
            case = _case(due)
        elif enrollment is not None:
            case = Case(Status.PENDING, 0, enrollment.accepted_at, None)
        else:
            return False
        what = triage(case, self._policy, now=now)
        if what in _PARKED:  # it grew too old since its page was read
            self._waiting.live.outstanding.discard(enrollment_id)
            self._carrying.park(Errand(enrollment_id, case, what))
            return False
        self._gate.take(enrollment_id)
        self._waiting.started()
        self._carrying.send(Errand(enrollment_id, case, what, enrollment, patience=patience))
        return True


def _case(due: Due) -> Case:
    return Case(
        due.status,
        due.attempts,
        due.accepted_at,
        due.last_attempt_at,
        due.reason,
        due.requeued_at,
    )
