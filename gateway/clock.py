"""The only place that asks the time."""

import time
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

    def __init__(self) -> None:
        self._checked = time.monotonic()
        self._offset = time.time() - self._checked

    def now(self) -> float:
        """Wall time in seconds, free of jumps."""
        monotonic = time.monotonic()
        most = (monotonic - self._checked) * self.SLEW
        self._checked = monotonic
        drift = (time.time() - monotonic) - self._offset
        self._offset += max(-most, min(drift, most))
        return monotonic + self._offset

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()
