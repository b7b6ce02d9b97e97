"""Watches a run of the gateway: nothing waits while there is room, nothing is sent for nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.whole.world import World

_IDLE = 2.0  # seconds that something due may wait while there is room
_CALM = 60.0  # seconds after the last trouble from which every attempt must be worth it
_RATIO, _FEW = 1.1, 3


class Watch:
    """Looks each time before the world lets time pass."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._idle_since: float | None = None
        self._calm_since = world.scenario.calm_at + world.scenario.timeout
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
        now = self._world.history.now()
        self._calm_since = max(self._calm_since, now + _CALM)
        self._attempts.clear()

    def idle(self) -> None:
        """Nothing can happen until time passes."""
        world = self._world
        house = world.house
        if house is None or world.journal.busy or not house.gate.reachable or not house.gate.free():
            self._idle_since = None
            return
        waiting = world.journal.waiting(now=house.clock.now()) - house.account.held
        now = house.clock.monotonic()
        if not waiting:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > _IDLE:
            world.complain(
                f"{len(waiting)} wait for {now - self._idle_since:.1f} s although"
                f" {house.gate.free()} slots are free, among them {min(waiting)}"
            )

    def attempt(self, enrollment_id: str) -> None:
        """An attempt begins."""
        if self._world.history.now() < self._calm_since:
            return
        self._attempts[enrollment_id] += 1
        attempts, enrollments = self._attempts.total(), len(self._attempts)
        if attempts > _RATIO * enrollments + _FEW:
            self._world.complain(
                f"{attempts} attempts for {enrollments} enrollments, and nothing is wrong"
            )
