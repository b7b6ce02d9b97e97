"""Which stretches of a file, or of memory, are held and which are free. Pure.

Theory: of a file, the rows that hold stretches are the only authority. What is between them is
free, and is computed from them anew at each opening: no list of free space is kept that could
disagree with the rows after a crash. A stretch covers whole blocks of its own, so that writing one,
however a loss of power tears it, touches no block of another. The smallest gap that fits is taken
(best fit, Knuth, TAOCP 1, 2.5), and gaps that meet become one.

Must not know what is divided so, or who holds what.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

BLOCK: Final = 4096

Extent: TypeAlias = tuple[int, int]
"""Where a stretch begins, and how long it is: bytes."""


class Extents:
    """One for each opening of the file. ``end``: how far it reaches; ``held``: bytes, in blocks."""

    def __init__(self, held: Iterable[Extent], *, end: int) -> None:
        """Begin with what is held.

        Args:
            held: in the order of their places, none negative.
            end: the file's size; free are the whole blocks before it that nobody holds.
        """
        self.held = 0
        self.end = 0
        self._gaps: list[tuple[int, int]] = []  # size and start, in order
        self._ends: dict[int, int] = {}  # of each gap, by its start
        self._starts: dict[int, int] = {}  # the reverse
        # A damaged row may claim what is another's. What two claim is given to nobody else.
        self._disputed: list[tuple[int, int]] = []
        for extent in held:
            start, stop = blocks(extent)
            if start < self.end:
                self._disputed.append((start, min(stop, self.end)))
            elif start > self.end:
                self._add(self.end, start)
            self.end = max(self.end, stop)
            self.held += stop - start
        self.grow(end // BLOCK * BLOCK)

    def take(self, length: int) -> int | None:
        """Hold a stretch; where it begins, or None: no gap is long enough."""
        size = _rounded(length)
        at = bisect_left(self._gaps, (size, 0))
        if at == len(self._gaps):
            return None
        start = self._gaps[at][1]
        self._hold(start, size)
        return start

    def take_before(self, place: int, length: int) -> int | None:
        """The same, in the first gap that is before ``place``. Looks at every gap."""
        size = _rounded(length)
        fitting = (start for gap, start in self._gaps if gap >= size and start < place)
        first = min(fitting, default=None)
        if first is not None:
            self._hold(first, size)
        return first

    def give(self, extent: Extent) -> None:
        """Nobody holds it any more."""
        start, stop = blocks(extent)
        self.held -= stop - start
        if not any(start < till and since < stop for since, till in self._disputed):
            self._add(start, stop)

    def gaps(self) -> Iterator[tuple[int, int]]:
        """From where to where each free stretch goes, in no order."""
        return iter(self._ends.items())

    def growth(self, length: int) -> int:
        """By how many bytes the file must grow to hold a stretch more; 0: there is a gap."""
        size = _rounded(length)
        if self._gaps and self._gaps[-1][0] >= size:
            return 0
        return size - (self.end - self._starts.get(self.end, self.end))

    def grow(self, end: int) -> None:
        """The file reaches further now."""
        if end > self.end:
            start, self.end = self.end, end
            self._add(start, end)

    def shrink(self) -> None:
        """The file is to end where the last stretch that is held does."""
        start = self._starts.get(self.end)
        if start is not None:
            self._remove(start)
            self.end = start

    def _hold(self, start: int, size: int) -> None:
        """The beginning of a gap."""
        stop = self._ends[start]
        self._remove(start)
        if start + size < stop:
            self._add(start + size, stop)
        self.held += size

    def _add(self, start: int, stop: int) -> None:
        """A gap, made one with those that it meets."""
        before = self._starts.get(start)
        if before is not None:
            self._remove(before)
            start = before
        if stop in self._ends:
            after = stop
            stop = self._ends[after]
            self._remove(after)
        insort(self._gaps, (stop - start, start))
        self._ends[start], self._starts[stop] = stop, start

    def _remove(self, start: int) -> None:
        stop = self._ends.pop(start)
        del self._starts[stop]
        del self._gaps[bisect_left(self._gaps, (stop - start, start))]


def _rounded(length: int) -> int:
    return -(-length // BLOCK) * BLOCK


def blocks(extent: Extent) -> tuple[int, int]:
    """From where to where the blocks of a stretch go."""
    place, length = extent
    return place // BLOCK * BLOCK, _rounded(place + length)
