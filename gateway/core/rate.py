"""How fast deliveries come, as an exponentially weighted rate. Pure: time is an argument."""

import math
from typing import Final

_LATELY: Final = 4.0  # horizons


class RateMeter:
    """Events per second over about the last ``horizon`` seconds.

    Each event adds 1/horizon to a level that decays with e^(-t/horizon): for a steady stream of r
    per second the level settles at r. Until one horizon has passed the level is divided by the
    share it has had time to reach, so that a young meter is not too low. What was some horizons ago
    says nothing of now: then the rate is 0, which is to say unknown, not a tiny one.
    """

    def __init__(self, *, horizon: float = 15.0) -> None:
        self._horizon = horizon
        self._level = 0.0
        self._at: float | None = None
        self._began: float | None = None

    def count(self, *, now: float) -> None:
        """One event at ``now`` (monotonic seconds)."""
        if self._began is None:
            self._began = now
        self._level = self._decayed(now) + 1.0 / self._horizon
        self._at = now

    def rate(self, *, now: float) -> float:
        """Events per second at ``now``; 0: none lately."""
        if self._began is None or self._at is None or now - self._at > _LATELY * self._horizon:
            return 0.0
        age = max(now - self._began, 1.0)
        return self._decayed(now) / -math.expm1(-age / self._horizon)

    def _decayed(self, now: float) -> float:
        if self._at is None:
            return 0.0
        seconds = now - self._at
        return self._level * math.exp(-seconds / self._horizon) if seconds > 0.0 else self._level
