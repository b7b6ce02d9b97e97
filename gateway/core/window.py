"""Response times at one window, and whether they differ from those at another.

Must not know states, enrollments or what a window is used for.

A full window is a closed system: by Little's law (1961) W = X·R, with X the goodput and R the mean
response time. Below the knee R stays and X grows with W; above it X stays and R grows with W. So
how R answers to W tells on which side of the knee the server is, without knowing its capacity.

Response times are skewed: a few large enrollments move the arithmetic mean and say nothing about
the queue. The mean of their logarithms has a far smaller error, and by Jensen's inequality a queue
raises it by at least log(W / knee), so that judging by it errs to the safe side.
"""

import math
from dataclasses import dataclass
from typing import Final

_SHORTEST: Final = 1e-4  # seconds; nothing answers faster, and a logarithm needs more than zero


@dataclass(slots=True)
class Responses:
    """Count, sum and sum of squares of the logarithms of response times (seconds)."""

    count: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def add(self, seconds: float) -> None:
        """Take in one response time."""
        value = math.log(max(seconds, _SHORTEST))
        self.count += 1
        self.total += value
        self.squares += value * value

    def merge(self, other: "Responses") -> None:
        """Take in all of ``other``."""
        self.count += other.count
        self.total += other.total
        self.squares += other.squares

    def fade(self, share: float) -> None:
        """Keep ``share`` of the weight, so that what comes counts more than what was."""
        self.count *= share
        self.total *= share
        self.squares *= share

    @property
    def mean(self) -> float:
        """Mean logarithm."""
        return self.total / self.count

    @property
    def variance(self) -> float:
        """Variance of the logarithms."""
        return max(0.0, self.squares / self.count - self.mean**2)


@dataclass(frozen=True, slots=True)
class Growth:
    """How much longer responses take in one set than in another: log of the ratio, and its error.

    ``error`` is one standard error.
    """

    log: float
    error: float

    @property
    def ratio(self) -> float:
        """The ratio itself: 1.2 is twenty percent longer."""
        return math.exp(self.log)


def growth(before: Responses, after: Responses) -> Growth:
    """How much longer ``after`` is than ``before``; both must hold something."""
    error = math.sqrt(before.variance / before.count + after.variance / after.count)
    return Growth(after.mean - before.mean, error)


class Measurement:
    """Response times at one window, counted once the change to it has settled.

    The first completions after a change began under the old window and are thrown away. So is
    everything when the window was not full: then the load, not the window, sets response times.
    """

    def __init__(self, window: int, *, settle: int, now: float) -> None:
        self.window = window
        self.responses = Responses()
        self.since = now
        self._left = settle

    def add(self, seconds: float, *, now: float) -> bool:
        """Take in a completion; False while the last change settles."""
        if self._left > 0:
            self._left -= 1
            self.since = now
            return False
        self.responses.add(seconds)
        return True

    def restart(self, *, now: float) -> None:
        """Forget all: the window was not full."""
        self.responses = Responses()
        self.since = now
        self._left = self.window

    def skip_settling(self) -> None:
        """The window did not change: there is nothing to settle."""
        self._left = 0

    @property
    def count(self) -> float:
        """Completions counted so far."""
        return self.responses.count

    def __repr__(self) -> str:
        return f"<Measurement at {self.window}: {self.count:.0f} counted>"
