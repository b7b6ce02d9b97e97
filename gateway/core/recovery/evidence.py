"""Two doubts about bad news: did we cause it, and is it news at all? Must not know states.

*Borne*: a server falls over from load only at a level that it had not borne before. An attempt that
began as the n-th outstanding and was answered shows that it bears n. Where it falls at no more than
that, it is an outage; an outage that is taken for a cliff would hold the window down for minutes.
After every fall the level where it fell must be shown anew: so if it is a cliff all the same, the
next fall there is believed.

*Background*: answers that get lost, or are refused, now and then at any window say nothing about
load, and backing off does not help. What fails no more often than it has all along, or than it did
when the window was last lowered for it, is passed over.
"""

import heapq
from typing import Final

_SHOWN: Final = 3  # times; once may be an answer on its way that no longer counts at the server


class Borne:
    """How many outstanding attempts the server has shown that it bears."""

    def __init__(self, good: int | None) -> None:
        """Begin with a window that was good before, if there was one."""
        self._best = [good or 0] * _SHOWN  # a heap: the least of them was shown often enough
        self._level = 0

    def answered(self, *, began_as: int) -> None:
        """An attempt that began as the ``began_as``-th outstanding was answered."""
        if began_as > self._best[0]:
            heapq.heapreplace(self._best, began_as)

    def now_at(self, level: int) -> None:
        """So many run, or begin at once, after the server's latest answer."""
        self._level = level

    def explains(self) -> bool:
        """Whether load can be why it fails: there was more of it than the server has borne."""
        return self._level > self._best[0]

    def fell(self) -> None:
        """It fell over at this level: what it bears must be shown anew."""
        self._best = [min(shown, self._level - 1) for shown in self._best]
        heapq.heapify(self._best)


_FAST: Final = 1 / 20  # weight of one attempt in the recent share of failures
_SLOW: Final = 1 / 100  # and in the usual one
_TIMES: Final = 2.0


class Background:
    """How often attempts fail all along."""

    def __init__(self) -> None:
        self._recent = self._usual = 0.0
        self._last_failed = False

    def is_usual(self, *, failed: bool) -> bool:
        """Take in one attempt; whether its failure is no news. Two in a row always are."""
        self._recent += _FAST * (failed - self._recent)
        self._usual += _SLOW * (failed - self._usual)
        in_a_row, self._last_failed = self._last_failed and failed, failed
        return failed and not in_a_row and self._recent <= _TIMES * self._usual

    def backed_off(self) -> None:
        """The window was lowered for what fails now: to lower it again it must become worse.

        Where load was the cause, this has helped. Who is refused comes again at once, so above what
        a server admits most fail, not a few; a few that go on failing do so at any window.
        """
        self._usual = max(self._usual, self._recent)
