"""How much each station has waiting, and how far behind its own its next enrollment goes.

Theory: oldest first is what citizens expect, and fair as long as stations are alike. A station that
sends a hundred times as much as the others would make all of them wait behind it. Fair queueing by
rounds (start-time fair queueing: Goyal, Vin, Cheng, SIGCOMM '96) cures that, but serves stations in
turn even when they are alike, and so gives up oldest first. Here a station pays only for what is
beyond its share: each further enrollment goes a second behind the one before it, as if it had come
later. Whoever is within the share goes by age alone, and so passes a flood.

- Work-conserving: the order changes, never whether something is sent.
- No starvation: a lag is at most a second for each of the station's own, and at most a day; so a
  flood is served at least once a second, and everything else that the server can take.
- Enrollments of one station keep their order.

Must not know priorities: a lag comes on top of a rank. Times are wall seconds.
"""

from typing import Final, NamedTuple

FREE: Final = 8
"""Waiting enrollments that no station pays for: a few at once are no flood."""

TIMES: Final = 4.0
"""A share, in what the other stations have waiting on average. Equal stations stay far below it."""

STEP_SECONDS: Final = 1.0
LONGEST_LAG_SECONDS: Final = 86_400.0


class Line(NamedTuple):
    """One station's: how many wait, and the time that the last of them counts as accepted at."""

    waiting: int
    last: float

    def joined(self, *, accepted_at: float, share: float) -> "Line":
        """The line with a new enrollment behind it."""
        counts_as = max(accepted_at, self.last) if self.waiting else accepted_at
        if self.waiting >= share:
            counts_as += STEP_SECONDS
        counts_as = min(counts_as, accepted_at + LONGEST_LAG_SECONDS)
        return Line(self.waiting + 1, counts_as)


NOBODY: Final = Line(0, float("-inf"))


def share(*, others: int, waiting: int) -> float:
    """How many a station may have waiting, where so many other stations have so many together."""
    average = waiting / others if others > 0 else 0.0
    return max(FREE, TIMES * average)


class Shares:
    """All stations' lines. Kept by a journal beside its rows, and made from them when it opens."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._waiting = 0

    def line(self, station: str) -> Line:
        """What a station has waiting; ``put`` takes it back, for a journal that undoes things."""
        return self._lines.get(station, NOBODY)

    def put(self, station: str, line: Line) -> None:
        """Set a station's line."""
        self._waiting += line.waiting - self.line(station).waiting
        self._lines[station] = line

    def joined(self, station: str, *, accepted_at: float) -> Line:
        """A station's line with a new enrollment behind it. Nothing is changed: ``put`` does."""
        line = self.line(station)
        fair = share(others=len(self._lines) - 1, waiting=self._waiting - line.waiting)
        return line.joined(accepted_at=accepted_at, share=fair)

    def leave(self, station: str) -> None:
        """One of a station's enrollments waits no more."""
        self._moved(station, -1)

    def come_back(self, station: str) -> None:
        """One waits again that had left, at the place that it had."""
        self._moved(station, 1)

    def _moved(self, station: str, by: int) -> None:
        waiting, last = self._lines.get(station, NOBODY)
        self._lines[station] = Line(waiting + by, last)
        self._waiting += by
