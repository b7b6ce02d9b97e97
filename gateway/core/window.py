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
from typing import Final, NamedTuple

_SHORTEST: Final = 1e-4  # seconds; nothing answers faster, and a logarithm needs more than zero


class Spread(NamedTuple):
    """How uneven response times are.

    Attributes:
        cv2: square of the coefficient of variation.
        log_variance: variance of the logarithms.
    """

    cv2: float
    log_variance: float


EVEN: Final = Spread(0.0, 0.0)


def log_of(seconds: float) -> float:
    """The logarithm of a response time."""
    return math.log(max(seconds, _SHORTEST))


@dataclass(slots=True)
class Responses:
    """Count, sum and sum of squares of response times (seconds) and of their logarithms."""

    count: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    log_total: float = 0.0
    log_squares: float = 0.0

    def add(self, seconds: float) -> None:
        """Take in one response time."""
        log = math.log(max(_SHORTEST, seconds))
        self.count += 1
        self.total += seconds
        self.squares += seconds * seconds
        self.log_total += log
        self.log_squares += log * log

    def merge(self, other: "Responses") -> None:
        """Take in all of ``other``."""
        self.count += other.count
        self.total += other.total
        self.squares += other.squares
        self.log_total += other.log_total
        self.log_squares += other.log_squares

    def fade(self, share: float) -> None:
        """Keep ``share`` of the weight, so that what comes counts more than what was."""
        self.count *= share
        self.total *= share
        self.squares *= share
        self.log_total *= share
        self.log_squares *= share

    @property
    def mean(self) -> float:
        """Arithmetic mean, in seconds."""
        return self.total / self.count

    @property
    def log_mean(self) -> float:
        """Mean logarithm."""
        return self.log_total / self.count

    @property
    def spread(self) -> Spread:
        """How uneven they are."""
        return Spread(
            max(0.0, self.squares / self.count / self.mean**2 - 1.0),
            max(0.0, self.log_squares / self.count - self.log_mean**2),
        )


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


def growth_of_logs(before: Responses, after: Responses, least: Spread) -> Growth:
    """How much longer ``after`` is than ``before``, by mean logarithms: sensitive, never too low.

    ``least`` bounds the error from below. Response times in a queue are even, but not independent:
    what varies is how long the queue is, and that varies as the service times do.
    """
    error = math.sqrt(
        max(before.spread.log_variance, least.log_variance) / before.count
        + max(after.spread.log_variance, least.log_variance) / after.count
    )
    return Growth(after.log_mean - before.log_mean, error)


def growth_of_means(before: Responses, after: Responses, least: Spread) -> Growth:
    """How much longer ``after`` is than ``before``, by arithmetic means: exact by Little's law."""
    error = math.sqrt(
        max(before.spread.cv2, least.cv2) / before.count
        + max(after.spread.cv2, least.cv2) / after.count
    )
    return Growth(math.log(after.mean / before.mean), error)


class Measurement:
    """Response times at one window, counted once the change to it has settled.

    The first completions after a change began under the old window and are thrown away. Begin a
    new one when the window was not full: then the load, not the window, sets response times.
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

    @property
    def count(self) -> float:
        """Completions counted so far."""
        return self.responses.count

    def __repr__(self) -> str:
        return f"<Measurement at {self.window}: {self.count:.0f} counted>"
