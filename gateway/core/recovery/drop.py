"""Have response times dropped? Told as soon as the answers show it, not when a measurement ends.

A server that gets its workers or its pace back answers sooner at the same window, and each second
in which that goes unseen is lost to the drain. So it is asked with every answer, by a cumulative
sum (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954): the odds of a drop grow with
each logarithm that lies below halfway to it and shrink with the others, never below even. What came
since they were even last is the server as it is now.

Must not know windows, or what is made of it.
"""

import math
from typing import Final

from gateway.core.window import Responses, log_of

_DROP: Final = 0.15  # of the mean logarithm: the least that is looked for
_ALARM: Final = 10.0  # logarithm of the odds; an alarm by chance costs one probe
_EVENEST: Final = 0.01  # variance of logarithms; no server is more even
_KNOWN: Final = 30  # responses of before: with fewer there is nothing to tell


class Drop:
    """Watches response times against those of before, at the same window."""

    def __init__(self, before: Responses) -> None:
        """Make it. Without enough of ``before`` it never tells a drop."""
        self.since = Responses()
        self._odds = 0.0
        self._variance = _EVENEST
        self._halfway = -math.inf
        if before.count >= _KNOWN:
            self._variance = max(before.spread.log_variance, _EVENEST)
            error = math.sqrt(self._variance / before.count)
            self._halfway = before.log_mean - error - _DROP / 2

    @property
    def suspected(self) -> bool:
        """Whether what came since the odds were last even speaks for a drop."""
        return self._odds > 0.0

    def add(self, seconds: float) -> bool:
        """Take in one response time; whether they dropped."""
        log = log_of(seconds)
        self._odds += _DROP * (self._halfway - log) / self._variance
        if self._odds > 0.0:
            self.since.add(seconds)
            return self._odds > _ALARM
        self._odds = 0.0
        if self.since.count:
            self.since = Responses()
        return False
