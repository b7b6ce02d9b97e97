"""Memory for large bodies: huge pages, taken from the system once and used again and again.

Theory: what passes the system's cache is pinned page by page for as long as the disk moves it
(open(2), O_DIRECT), and memory that was just mapped is cleared page by page. In pages of 2 MB
(madvise(2), MADV_HUGEPAGE) both cost next to nothing: 5.2 instead of 3.2 GB/s of writing. Where the
system has none, usual pages serve.

A stretch is free again when nobody looks at it any more. What finds no place is not served here.
Must not know what a body is.
"""

import ctypes
import mmap
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import Any, Final

from gateway.core.extents import Extent, Extents

SIZE: Final = 64 * 1024 * 1024
"""Bytes; they are resident from when they are first used until ``give_back``."""
# mmap(2), on Linux; the module names it from Python 3.13 on.
_NO_RESERVE: Final = 0x4000 if sys.platform == "linux" else 0


class _Stretch(ctypes.Array[ctypes.c_ubyte]):
    """Keeps a place taken as long as anybody looks at it.

    It reaches ``SIZE`` bytes from there, whatever was asked for: each length would be a class of
    its own, and making one costs as much as sealing a small body.
    """

    _type_ = ctypes.c_ubyte
    _length_ = SIZE

    def hold(self, extent: Extent, given_back: "deque[Extent]") -> None:
        self._extent, self._given_back = extent, given_back

    def __del__(self) -> None:
        # In whichever thread it was that let go, perhaps in the midst of ``take``: so no lock.
        self._given_back.append(self._extent)


class Arena:
    """Stretches of one piece of memory, for any thread."""

    def __init__(self) -> None:
        """Reserve it; nothing is resident yet."""
        self._lock = threading.Lock()
        self._extents = Extents((), end=SIZE)
        self._given_back: deque[Extent] = deque()
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
        # Twice as long as what is used, so that every stretch lies inside.
        self._memory = mmap.mmap(-1, 2 * SIZE, flags=flags)
        self._advise("MADV_HUGEPAGE", 0, SIZE)

    def take(self, size: int) -> memoryview | None:
        """Room at the beginning of a page, with whatever stood there; None: there is none."""
        with self._lock:
            self._sweep()
            place = self._extents.take(size) if size else None
        if place is None:
            return None
        stretch = _Stretch.from_buffer(self._memory, place)
        stretch.hold((place, size), self._given_back)
        return memoryview(stretch).cast("B")[:size]

    @property
    def held(self) -> int:
        """Bytes that are taken."""
        with self._lock:
            self._sweep()
            return self._extents.held

    def give_back(self) -> None:
        """Let go of all that nobody holds: it is resident no more."""
        with self._lock:
            self._sweep()
            for start, stop in self._extents.gaps():
                self._advise("MADV_DONTNEED", start, stop - start)

    def _sweep(self) -> None:
        while self._given_back:
            self._extents.give(self._given_back.popleft())

    def _advise(self, what: str, start: int, length: int) -> None:
        advice: Any = getattr(mmap, what, None)  # another kernel than Linux
        if advice is not None and length:
            with suppress(OSError):  # it has no such pages: then without
                self._memory.madvise(advice, start, length)


ARENA: Final = Arena()
"""The process has one, as it has one heap."""
