"""The write-ahead log as bytes: which of its pages count, and whether something durable is damaged.

Theory (sqlite.org/fileformat2.html, section 4): each frame's checksum goes on from the one before,
so SQLite stops reading at the first frame that does not fit. At the end that is right: a commit
that the crash cut off was never promised. But a commit is synced before the next one is written.
So where two commits follow after the bad frame, it was durable, and a bit of it has changed since:
what SQLite would drop was promised.

Where it can read nothing at all, the file may hold what the log does: then the log was written
back, and the power failed while its header was written for the next round. Nothing is lost with it.

Must not know what is in a page.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

HEADER: Final = 32
FRAME_HEADER: Final = 24
_BIG_ENDIAN: Final = 1  # lowest bit of the magic number
_MASK: Final = 0xFFFFFFFF


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
    if not path.exists():
        return found
    with path.open("rb") as file:
        header = file.read(HEADER)
        first = file.read(FRAME_HEADER)
        if len(first) < FRAME_HEADER:
            return found
        # A damaged header tells nothing; the first frame is always of the present round.
        salts = header[16:24] if _header_fits(header) else first[8:16]
        for place in range(HEADER, path.stat().st_size, FRAME_HEADER + page_size):
            file.seek(place)
            head = file.read(FRAME_HEADER)
            if len(head) < FRAME_HEADER:
                break
            page, size = struct.unpack(">II", head[:8])
            ours = head[8:16] == salts and page > 0
            found.append(Frame(page, size > 0, place + FRAME_HEADER) if ours else None)
    return found


def damaged(found: Sequence[Frame | None], read: int) -> bool:
    """Whether something that was durable is beyond the ``read`` frames that SQLite could read."""
    return sum(frame is not None and frame.commits for frame in islice(found, read, None)) > 1


def is_written_back(journal: Path, page_size: int, found: Sequence[Frame | None]) -> bool:
    """Whether the journal's file itself holds every page as the log has it last."""
    ends = [number for number, frame in enumerate(found, 1) if frame is not None and frame.commits]
    newest = _newest(found, ends[-1] if ends else 0)
    with journal.open("rb") as file, path_of(journal).open("rb") as log:
        for page, place in newest.items():
            file.seek((page - 1) * page_size)
            log.seek(place)
            if file.read(page_size) != log.read(page_size):
                return False
    return True


def readable(path: Path, page_size: int) -> int:
    """How many frames SQLite reads: those up to the last commit before the first bad one."""
    if not path.exists():
        return 0
    last = 0
    with path.open("rb") as file:
        header = file.read(HEADER)
        if not _header_fits(header):
            return 0
        order = _order(header)
        sums = struct.unpack(">II", header[24:32])
        number = 0
        while len(frame := file.read(FRAME_HEADER + page_size)) == FRAME_HEADER + page_size:
            number += 1
            sums = _checksum(frame[:8], order, sums)
            sums = _checksum(frame[FRAME_HEADER:], order, sums)
            if frame[8:16] != header[16:24] or sums != struct.unpack(">II", frame[16:24]):
                break
            if frame[4:8] != bytes(4):
                last = number
    return last


def pages(path: Path, page_size: int) -> dict[int, int]:
    """Where in the log the newest durable bytes of each page are; damaged frames among them."""
    found = frames(path, page_size)
    count = readable(path, page_size)
    if damaged(found, count):
        commits = [n for n, frame in enumerate(found, 1) if frame is not None and frame.commits]
        count = commits[-1]
    return _newest(found, count)


def _newest(found: Sequence[Frame | None], count: int) -> dict[int, int]:
    """Where each page stands last in the first ``count`` frames."""
    return {frame.page: frame.place for frame in islice(found, count) if frame is not None}


def _header_fits(header: bytes) -> bool:
    if len(header) < HEADER:
        return False
    sums = _checksum(header[:24], _order(header), (0, 0))
    return sums == struct.unpack(">II", header[24:32])


def _order(header: bytes) -> str:
    return ">" if header[3] & _BIG_ENDIAN else "<"


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for even, odd in struct.iter_unpack(f"{order}II", data):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second
