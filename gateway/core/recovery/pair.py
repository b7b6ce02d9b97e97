"""Responses at a window and at a lower one: where the knee is, and whether the server changed.

Of two full windows W and w, the lower one below the knee k, Little's law makes the growth of the
response time R(W) / R(w) = W / k: how far above the knee the window is. Where both are above it,
the growth is all of W / w, and the knee is below w. So the growth tells the knee, and its error how
well.

When responses at the same window change, or those at the lower one fit no knee at all, the server
is not what it was, and both are measured anew. A server that became slower may have fewer workers,
so that its knee is lower, or only work slower at the same knee. A look as deep as the knee could
now be tells these apart in one step.

A server that became faster has its pace again, or more workers: a look below tells this too, and as
each second counts it is taken as soon as single answers show the drop.

Must not know what is made of it.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from gateway.core.recovery.drop import Drop
from gateway.core.window import Growth, Responses, Spread, growth_of_logs, growth_of_means

_LOW: Final = 0.8  # of the window, for the probe
_FAR: Final = 0.65
_DEEPEST: Final = 0.5
_CHANGE: Final = 0.08  # growth at the same window that tells a change of the server
_FASTER: Final = 0.02  # and minus this, by an error, that hints at one; by two it is believed
_DEEP_FROM: Final = 0.2  # such growth from which a deeper look is worth its price
_BELOW_QUEUE: Final = 0.7  # of the window: there is no queue there, unless it is far too large
_FADE: Final = 0.6  # weight kept of what was measured before


class Server(Enum):
    """What it seems to be, by what was measured last."""

    SAME = auto()
    FASTER = auto()
    """Perhaps: at a window near the knee even twice the workers show little more than chance."""
    CHANGED = auto()


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much longer responses take at the window than at the lower one.

    ``logs`` is sensitive and never too low, ``means`` is exact (see ``gateway.core.window``).
    """

    logs: Growth
    means: Growth


class Pair:
    """What was measured at a window and below it, since either last changed."""

    def __init__(self, window: int, before: Responses | None = None, *, far: bool = False) -> None:
        """Make it.

        Args:
            window: the one that rests.
            before: responses of the server as it was, to tell whether it is slower.
            far: the knee may be far below.
        """
        self.window = window
        self.low = Responses()
        self._high = Responses()
        self._before = before
        self._share = _FAR if far else _LOW
        self.became_faster = False

    @property
    def low_window(self) -> int:
        """The lower one; 0 where there is none."""
        return min(self.window - 1, round(self._share * self.window))

    @property
    def deep(self) -> bool:
        """The lower one is so far below that a look at it must not be repeated."""
        return self._share < _BELOW_QUEUE

    @property
    def effort(self) -> float:
        """How much needs to be measured below: the wider the two are apart, the less."""
        return (math.log(_LOW) / math.log(self.low_window / self.window)) ** 2

    def add_high(self, responses: Responses, least: Spread) -> Server:
        """Take in a measurement at the window. If the server changed, all begins anew."""
        seems = Server.SAME
        if self._high.count:
            change = growth_of_logs(self._high, responses, least)
            if change.log + 2 * change.error < -_FASTER:
                self.dropped(responses)
                return Server.FASTER
            if abs(change.log) > max(_CHANGE, 2 * change.error):
                self._begin_anew()
                return Server.CHANGED
            if change.log + change.error < -_FASTER:
                seems = Server.FASTER
        self._high.merge(responses)
        if self._before is not None and self.low.count == 0:
            self._look_deeper(growth_of_logs(self._before, self._high, least))
        return seems

    def add_low(self, responses: Responses, least: Spread) -> Server:
        """Take in a measurement at the lower one; as above."""
        growth = growth_of_means(responses, self._high, least)
        most = math.log(self.window / self.low_window)
        doubt = max(_CHANGE, 1.5 * growth.error)
        if not -doubt <= growth.log <= most + doubt:
            self._begin_anew()
            return Server.CHANGED
        self.low.merge(responses)
        return Server.SAME

    def compare(self, least: Spread) -> Comparison | None:
        """What both tell; None: one is missing. ``least``: how uneven service is at least."""
        if not (self.low.count and self._high.count):
            return None
        return Comparison(
            growth_of_logs(self.low, self._high, least),
            growth_of_means(self.low, self._high, least),
        )

    def watch(self) -> Drop:
        """Watch for a drop of the response times at the window."""
        return Drop(self._high)

    def dropped(self, high: Responses) -> None:
        """They did, and are as ``high`` at the window now: look well below what else changed."""
        self.became_faster = True
        self._before, self._share = None, _BELOW_QUEUE
        self.low, self._high = Responses(), high

    def settle(self) -> None:
        """All is well: what comes counts more than what was."""
        self._before = None
        self.became_faster = False
        if self._share != _LOW:
            self._share, self.low = _LOW, Responses()
        self.low.fade(_FADE)
        self._high.fade(_FADE)

    def _begin_anew(self) -> None:
        # What was measured in the middle of the change is neither one nor the other.
        self._before = self._before or self._high
        self._share = _LOW
        self.low, self._high = Responses(), Responses()

    def _look_deeper(self, slower: Growth) -> None:
        deeper = slower.log - slower.error > _DEEP_FROM
        self._share = max(_DEEPEST, _LOW / slower.ratio) if deeper else _LOW

    def __repr__(self) -> str:
        counts = f"{self.low.count:.0f} and {self._high.count:.0f}"
        return f"<Pair {self.low_window}, {self.window}: {counts}>"
