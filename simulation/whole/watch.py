"""Watches a run of the gateway: nothing waits while there is room, nothing is sent for nothing."""

from collections import Counter
from collections.abc import Callable

from simulation.whole.history import History
from simulation.whole.house import House
from simulation.whole.journal import WatchedJournal

_IDLE = 2.0  # seconds that something due may wait while there is room
_CALM = 60.0  # seconds after the last trouble from which every attempt must be worth it
_RATIO, _FEW = 1.1, 3


class Watch:
    """Looks each time before the world lets time pass.

    Args:
        house: the run of the gateway that is up.
        journal: what waits.
        history: has the time.
        complain: told what is wrong.
        calm_at: virtual seconds from which no attempt has to fail.
    """

    def __init__(
        self,
        *,
        house: Callable[[], House | None],
        journal: WatchedJournal,
        history: History,
        complain: Callable[[str], None],
        calm_at: float,
    ) -> None:
        self._house = house
        self._journal = journal
        self._history = history
        self._complain = complain
        self._idle_since: float | None = None
        self._calm_since = calm_at
        self._attempts: Counter[str] = Counter()

    def begin(self) -> None:
        """A run of the gateway begins."""
        self._idle_since = None
        self.trouble()

    def end(self) -> None:
        """It is over."""
        self._idle_since = None

    def trouble(self) -> None:
        """Attempts may fail from here on for a while."""
        now = self._history.now()
        self._calm_since = max(self._calm_since, now + _CALM)
        self._attempts.clear()

    def idle(self) -> None:
        """Nothing can happen until time passes."""
        house, journal = self._house(), self._journal
        if house is None or journal.busy or not house.gate.reachable or not house.gate.free():
            self._idle_since = None
            return
        waiting = journal.waiting(now=house.clock.now()) - house.account.held
        now = house.clock.monotonic()
        if not waiting:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > _IDLE:
            self._complain(
                f"{len(waiting)} wait for {now - self._idle_since:.1f} s although"
                f" {house.gate.free()} slots are free, among them {min(waiting)}"
            )

    def attempt(self, enrollment_id: str) -> None:
        """An attempt begins."""
        if self._history.now() < self._calm_since:
            return
        self._attempts[enrollment_id] += 1
        attempts, enrollments = self._attempts.total(), len(self._attempts)
        if attempts > _RATIO * enrollments + _FEW:
            self._complain(
                f"{attempts} attempts for {enrollments} enrollments, and nothing is wrong"
            )
