"""How full the journal is, and when its write-ahead log is written back into the file.

Three lines, in this order: at ``max_bytes`` or below ``min_free_bytes`` nothing more is accepted;
on a disk that is full all the same the reserve is given up, and outcomes are written in its place;
when half of that is gone no further attempt begins, so that those under way can still be recorded.
Must not know what is kept.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from gateway.journal.contract import Usage
from gateway.journal.sqlite.bodies import Bodies
from gateway.journal.sqlite.reserve import Reserve

if TYPE_CHECKING:
    from collections.abc import Callable

# The log is written back in pieces so small that nobody waits long for one. At 16 MB it cost a
# little less, and with a million waiting the slowest hundredth waited twice as long.
_WORTH_IT = 4 * 1024 * 1024
_LEAST_PAGES = 16


class Space:
    """Bytes taken, allowed and free; looked at once for each transaction."""

    def __init__(
        self,
        connection: apsw.Connection,
        bodies: Bodies,
        path: Path,
        *,
        max_bytes: int,
        min_free_bytes: int,
    ) -> None:
        self._connection = connection
        self._execute: Callable[..., Any] = connection.cursor().execute
        self._bodies = bodies
        self._directory = path.parent
        self._max_bytes = max_bytes
        self._page_size = int(connection.pragma("page_size"))
        # The smallest enrollment touches some pages: less than that is nothing.
        self._min_free_bytes = max(min_free_bytes, _LEAST_PAGES * self._page_size)
        self._log_pages = 0
        self._path = path
        connection.set_wal_hook(self._committed)
        disk = os.statvfs(self._directory)
        self._reserve = Reserve(path, disk_bytes=disk.f_blocks * disk.f_frsize)
        self.look()

    def look(self) -> None:
        """Measure.

        What erased bodies gave back is used again before a file grows: it is free. The log holds
        a second copy of what is about to go into the file, and has a bound of its own.
        """
        pages = self._execute("PRAGMA page_count").get - self._execute("PRAGMA freelist_count").get
        self._used = pages * self._page_size + self._bodies.held
        self._look_at_disk()
        if not self._reserve.is_whole and self._free >= 2 * self._reserve.size:
            self._reserve.take()
            self._look_at_disk()

    def take(self, size: int, *, apart: int = 0, grown: int = 0) -> None:
        """Count what this transaction writes: rows twice on the disk, to the log and to the file.

        Args:
            size: all of it.
            apart: how much of that went into the file of bodies.
            grown: by how much that grew.
        """
        self._used += size
        self._free -= 2 * (size - apart) + grown

    def has_room_for(self, size: int, *, apart: int = 0, growth: int = 0) -> bool:
        """Whether an enrollment may be accepted. For the arguments see ``take``."""
        return (
            self._reserve.is_whole
            and self._used + size <= self._max_bytes
            and self._free - 2 * (size - apart) - growth >= self._min_free_bytes
        )

    def spare(self) -> int:
        """How much may be taken from the disk before nothing is accepted any more."""
        return max(self._free - self._min_free_bytes, 0)

    def has_room_for_an_attempt(self) -> bool:
        """Whether one more intent may be written, and its outcome after it."""
        return self._reserve.is_whole or self._free >= self._reserve.size // 2

    @property
    def is_short(self) -> bool:
        """Whether the disk has so little left that nothing is accepted."""
        return not self._reserve.is_whole or self._free < self._min_free_bytes

    def give_up_reserve(self) -> bool:
        """The disk is full: make room for outcomes. False: there is none to make any more."""
        return self._reserve.give_up()

    def usage(self) -> Usage:
        """As last looked at. Without its reserve the journal is full, whatever else is free."""
        least = self._min_free_bytes
        if not self._reserve.is_whole:
            least = max(least, 2 * self._reserve.size)
        return Usage(self._used, self._max_bytes, self._free, least)

    def should_write_back(self) -> bool:
        """Whether it is worth it to write the log back now.

        On a full disk at every chance: a log that is written back is used again from its start.
        """
        size = self._log_pages * self._page_size
        is_pressed = not self._reserve.is_whole
        return size >= _WORTH_IT or (size > 0 and is_pressed)

    def checkpoint(self) -> bool:
        """Write the log back, if it is worth it now; whether it was.

        Not if the file must grow so much for it that outcomes would find no room.
        """
        is_pressed = not self._reserve.is_whole
        if is_pressed and self._growth() > self._free - self._reserve.size // 2:
            return False
        if not self.should_write_back():
            return False
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._log_pages = 0
        return True

    def empty_log(self) -> None:
        """Write all of the log back, so that the file alone is the journal."""
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _growth(self) -> int:
        """Bytes that the file grows by when all of the log is written back."""
        pages = int(self._connection.pragma("page_count"))
        return max(pages * self._page_size - self._path.stat().st_size, 0)

    def _look_at_disk(self) -> None:
        disk = os.statvfs(self._directory)
        self._free = disk.f_bavail * disk.f_frsize

    def _committed(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK
