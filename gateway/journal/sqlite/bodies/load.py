"""What goes to the disk at once: parts in memory that lie side by side in the file. Pure.

Each part begins at the beginning of a page in memory and is whole blocks long, as it must be for
what passes the system's cache by. Must not know the file.
"""

from typing import Final

from gateway.core.extents import BLOCK
from gateway.journal.aligned import is_aligned

MOST_PARTS: Final = 512
"""Of memory, for one call; a kernel takes 1,024 (IOV_MAX)."""


class Load:
    """Parts for one place in the file.

    Attributes:
        place: where they begin in the file.
        end: where the next would.
        parts: what to write there, in order.
    """

    def __init__(self, place: int, room: memoryview) -> None:
        """``room``: for what must be copied; nobody else uses it before the load has gone."""
        self.place = self.end = place
        self.parts: list[memoryview] = []
        self._room = room

    @property
    def is_full(self) -> bool:
        """Whether it takes no more."""
        return not self._room or len(self.parts) >= MOST_PARTS

    def take(self, data: memoryview) -> int:
        """The first bytes of ``data``; how many. What is left of its last block is emptied."""
        size = len(data) // BLOCK * BLOCK if is_aligned(data) else 0
        if size:
            self._add(data[:size])
            return size
        size = min(len(data), len(self._room))
        taken = -(-size // BLOCK) * BLOCK
        part, self._room = self._room[:taken], self._room[taken:]
        part[:size] = data[:size]
        part[size:] = bytes(taken - size)
        self._add(part)
        return size

    def _add(self, part: memoryview) -> None:
        self.parts.append(part)
        self.end += len(part)
