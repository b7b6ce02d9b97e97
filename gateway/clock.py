"""The only place that asks the time."""

import math
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one that people read, one that only moves forward."""

    def now(self) -> float:
        """Wall time in seconds since 1970, for what is stored or shown."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, for durations inside this process."""
        ...


class SystemClock:
    """The machine's clocks, with jumps of the wall clock spread out.

    A wall clock that is set an hour forward or back must not make every retry due, or every
    enrollment old, at once. So ``now`` runs on the monotonic clock and only slews towards the
    wall clock, by at most a tenth of the time that passes.
    """

    SLEW = 0.1

    def __init__(
        self,
        *,
        wall: Callable[[], float] | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        """Start it. Both default to the machine's clocks; a simulation hands in its own."""
        self._wall = wall or time.time
        self.monotonic = monotonic or time.monotonic
        """Seconds from an arbitrary start: the machine's own clock, asked without a detour."""
        self._checked = self.monotonic()
        self._offset = self._wall() - self._checked

    def now(self) -> float:
        """Wall time in seconds, free of jumps."""
        monotonic = self.monotonic()
        most = (monotonic - self._checked) * self.SLEW
        self._checked = monotonic
        drift = (self._wall() - monotonic) - self._offset
        self._offset += drift if -most <= drift <= most else math.copysign(most, drift)
        return monotonic + self._offset
