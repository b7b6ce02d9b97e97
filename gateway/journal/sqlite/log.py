"""The write-ahead log as bytes: which of its pages count, and whether something durable is damaged.

Theory (sqlite.org/fileformat2.html, section 4): each frame's checksum goes on from the one before,
so SQLite stops reading at the first frame that does not fit. At the end that is right: a commit
that the crash cut off was never promised. But a commit is synced before the next one is written.
So where two commits follow after the bad frame, it was durable, and a bit of it has changed since:
what SQLite would drop was promised.

A commit that was cut off may seem to be two. The log is written over what it held a round before,
and a disk writes its sectors in any order. Where the edge of one parts a frame's header, the half
that tells of a commit's end may be the old one's, beside the salts of the new one. So there the
checksum must tell it, too. And of a log that is damaged, a last commit that does not fit is left
out: it was cut off, and what it has of a page may be half of it.

Where SQLite can read nothing at all, the file may hold what the log does: then the log was written
back, and the power failed while its header was written for the next round. Nothing is lost with it.

Must not know what is in a page.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

HEADER: Final = 32
FRAME_HEADER: Final = 24
SECTOR: Final = 512
"""Bytes that a disk writes whole; larger ones have their edges at some of the same places."""
_SALTS, _SUMS = slice(8, 16), slice(16, 24)  # in a frame's header
_SALTS_AT, _SUMS_AT = 16, 24  # in the log's
_ORDERS: Final = {b"\x37\x7f\x06\x82": "<", b"\x37\x7f\x06\x83": ">"}  # by the magic number
_MASK: Final = 0xFFFFFFFF

Sums: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One page in the log. ``commits``: it ends a commit. ``place``: where its bytes begin."""

    page: int
    commits: bool
    place: int


def path_of(journal: Path) -> Path:
    """The log beside a journal."""
    return journal.with_name(f"{journal.name}-wal")


def frames(path: Path, page_size: int) -> list[Frame | None]:
    """Every frame of the log's present round; None for one that does not belong to it."""
    found: list[Frame | None] = []
    with _opened(path, page_size) as log:
        salts = log.salts()
        for number, head in log.heads():
            page, size = struct.unpack(">II", head[:8])
            if head[_SALTS] != salts or not page:
                found.append(None)
                continue
            commits = size > 0 and (not log.is_parted(number) or log.fits(number))
            found.append(Frame(page, commits, log.place(number)))
    return found


def damaged(found: Sequence[Frame | None], read: int) -> bool:
    """Whether something that was durable is beyond the ``read`` frames that SQLite could read."""
    return sum(frame is not None and frame.commits for frame in islice(found, read, None)) > 1


def is_written_back(journal: Path, page_size: int, found: Sequence[Frame | None]) -> bool:
    """Whether the journal's file itself holds every page as the log has it last."""
    newest = _newest(found, max(_ends(found), default=0))
    with journal.open("rb") as file, path_of(journal).open("rb") as log:
        for page, place in newest.items():
            file.seek((page - 1) * page_size)
            log.seek(place)
            if file.read(page_size) != log.read(page_size):
                return False
    return True


def readable(path: Path, page_size: int) -> int:
    """How many frames SQLite reads: those up to the last commit before the first bad one."""
    with _opened(path, page_size) as log:
        found = frames(path, page_size) if log.has_header else []
        last = 0
        for number, frame in enumerate(found, 1):
            if frame is None or not log.fits(number):
                break
            if frame.commits:
                last = number
    return last


def pages(path: Path, page_size: int) -> dict[int, int]:
    """Where in the log the newest durable bytes of each page are; damaged frames among them."""
    found = frames(path, page_size)
    number = readable(path, page_size)
    if damaged(found, number):
        *_, before, last = _ends(found)
        number = last if _is_whole(path, page_size, before, last) else before
    return _newest(found, number)


def _is_whole(path: Path, page_size: int, before: int, last: int) -> bool:
    """Whether the commit of the frames behind ``before`` up to ``last`` is as it was written."""
    with _opened(path, page_size) as log:
        first = before + 1
        return all(log.fits(number) for number in range(first + 1, last + 1)) and (
            # The checksum before it may be what is damaged.
            log.fits(first) or log.fits(first, after=log.sums(before))
        )


def _ends(found: Sequence[Frame | None]) -> list[int]:
    """The numbers of the frames that end commits."""
    return [number for number, each in enumerate(found, 1) if each is not None and each.commits]


def _newest(found: Sequence[Frame | None], number: int) -> dict[int, int]:
    """Where each page stands last in the first frames, so many."""
    return {frame.page: frame.place for frame in islice(found, number) if frame is not None}


class _Log:
    """A log's file. Frames are counted from 1; 0 is the log's header."""

    def __init__(self, file: int, page_size: int) -> None:
        self._file = file
        self._stride = FRAME_HEADER + page_size
        header = os.pread(file, HEADER, 0).ljust(HEADER, b"\0")
        self._order = _ORDERS.get(header[:4], "=")
        self._salts = header[_SALTS_AT:_SUMS_AT]
        self.has_header = header[:4] in _ORDERS and (
            self._sums(header[:_SUMS_AT], (0, 0)) == _pair(header[_SUMS_AT:])
        )

    def salts(self) -> bytes | None:
        """What the frames of the present round have in their headers; None: there are none."""
        if self.has_header:
            return self._salts
        # A damaged header tells nothing, and may have taken the frame behind it along. The
        # present round has the first frames.
        heads = ((number, head) for number, head in self.heads() if any(head))
        return next((head[_SALTS] for number, head in heads if self.fits(number)), None)

    def heads(self) -> Iterator[tuple[int, bytes]]:
        """The header of each frame that is whole, and its number."""
        size = os.fstat(self._file).st_size
        for number in range(1, (size - HEADER) // self._stride + 1):
            yield number, self._head(number)

    def place(self, number: int) -> int:
        """Where a frame's page is."""
        return self._start(number) + FRAME_HEADER

    def is_parted(self, number: int) -> bool:
        """Whether its salts may be in another sector than what is before them."""
        return (self._start(number) + _SALTS.start) % SECTOR == 0

    def fits(self, number: int, *, after: Sums | None = None) -> bool:
        """Whether a frame goes on from the checksum that the one before has, or another."""
        return self.sums(number, after=after) == self._kept(number)

    def sums(self, number: int, *, after: Sums | None = None) -> Sums:
        """The checksum that a frame should have."""
        frame = os.pread(self._file, self._stride, self._start(number))
        sums = self._sums(frame[: _SALTS.start], after or self._kept(number - 1))
        return self._sums(frame[FRAME_HEADER:], sums)

    def _kept(self, number: int) -> Sums:
        """The checksum that is written in it."""
        if number:
            return _pair(self._head(number)[_SUMS])
        return _pair(os.pread(self._file, 8, _SUMS_AT))

    def _head(self, number: int) -> bytes:
        return os.pread(self._file, FRAME_HEADER, self._start(number))

    def _start(self, number: int) -> int:
        return HEADER + (number - 1) * self._stride

    def _sums(self, data: bytes, sums: Sums) -> Sums:
        first, second = sums
        for even, odd in struct.iter_unpack(f"{self._order}II", data):
            first = (first + even + second) & _MASK
            second = (second + odd + first) & _MASK
        return first, second


@contextmanager
def _opened(path: Path, page_size: int) -> Iterator[_Log]:
    """The log at ``path``; an empty one where there is none."""
    file = os.open(path if path.exists() else os.devnull, os.O_RDONLY)
    try:
        yield _Log(file, page_size)
    finally:
        os.close(file)


def _pair(data: bytes) -> Sums:
    return struct.unpack(">II", data)
