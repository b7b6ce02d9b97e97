"""Give space back to the disk: what erased bodies left free in the journal's files."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from gateway.journal.contract import JournalFull
from gateway.journal.sqlite import bodies
from gateway.journal.sqlite.bodies import Bodies
from gateway.journal.sqlite.faults import fault_of
from gateway.journal.sqlite.offline import bodies_of, opened

_TEMPORARY_FILES = 1  # temp_store: the copy is made in a file, not in memory
_AT_ONCE: Final = 64
_LAST_FIRST: Final = """
SELECT seq, place, length FROM extent WHERE place < ? ORDER BY place DESC LIMIT ?"""
_FARTHEST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Compacted:
    """The files' bytes before and after."""

    before: int
    after: int


def compact(path: Path) -> Compacted:
    """Rewrite the journal, and move large bodies together. A crash leaves the old, or the new.

    Raises:
        JournalFull: the disk has no room for the copies that this takes.
        JournalFault: see ``offline.opened``.
    """
    with opened(path) as connection, bodies_of(connection, path) as large:
        before = _size(path)
        pages = connection.pragma("page_count") - connection.pragma("freelist_count")
        # Once in a temporary file, once in the log before it goes into the file.
        needed = 2 * int(pages) * int(connection.pragma("page_size"))
        disk = os.statvfs(path.parent)
        if disk.f_bavail * disk.f_frsize < needed:
            raise JournalFull(
                f"compacting needs {needed} bytes free beside the journal for a while; free some,"
                " or export what is undelivered and import it into a new journal"
            )
        connection.pragma("temp_store", _TEMPORARY_FILES)
        connection.execute("VACUUM")
        try:
            _together(connection, large)
        except OSError as error:
            raise fault_of(error) from error
    return Compacted(before, _size(path))


def _together(connection: apsw.Connection, large: Bodies) -> None:
    """Move the last bodies into gaps before them, some at a time, then cut the file behind all.

    A copy is durable before its row tells of it, and the old place is free only then.
    """
    before = _FARTHEST
    while some := _last(connection, before):
        with connection:
            for seq, place, length in some:
                large.move(seq, place, length)
            large.sync()
        large.keep()
        before = some[-1][1]
    large.cut()


def _last(connection: apsw.Connection, before: int) -> list[tuple[int, int, int]]:
    found: Any = connection.execute(_LAST_FIRST, (before, _AT_ONCE)).fetchall()
    return list(found)


def _size(path: Path) -> int:
    beside = bodies.of(path)
    return path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)
