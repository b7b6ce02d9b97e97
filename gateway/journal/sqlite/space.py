"""How full the journal is, and when its write-ahead log is written back into the file.

Must not know what is kept.
"""

import os
from pathlib import Path

import apsw

from gateway.journal.contract import Usage
from gateway.journal.sqlite.opening import WAL_LIMIT

# A quiet moment is used from here on; without one, the log is let grow up to its limit.
_WORTH_IT = 4 * 1024 * 1024


class Space:
    """Bytes taken, allowed and free; looked at once for each transaction."""

    def __init__(
        self, connection: apsw.Connection, path: Path, *, max_bytes: int, min_free_bytes: int
    ) -> None:
        self._connection = connection
        self._directory = path.parent
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_bytes
        self._page_size = int(connection.pragma("page_size"))
        self._log_pages = 0
        connection.set_wal_hook(self._committed)
        self.look()

    def look(self) -> None:
        """Measure.

        What erased bodies gave back is used again before the file grows: it is free. The log holds
        a second copy of what is about to go into the file, and has a bound of its own.
        """
        pages = int(self._connection.pragma("page_count"))
        pages -= int(self._connection.pragma("freelist_count"))
        self._used = pages * self._page_size
        disk = os.statvfs(self._directory)
        self._free = disk.f_bavail * disk.f_frsize

    def take(self, size: int) -> None:
        """Count what this transaction writes: twice on the disk, to the log and to the file."""
        self._used += size
        self._free -= 2 * size

    def has_room_for(self, size: int) -> bool:
        """Whether an enrollment of ``size`` bytes may be accepted."""
        return (
            self._used + size <= self._max_bytes and self._free - 2 * size >= self._min_free_bytes
        )

    def usage(self) -> Usage:
        """As last looked at."""
        return Usage(self._used, self._max_bytes, self._free, self._min_free_bytes)

    def checkpoint(self, *, idle: bool) -> None:
        """Write the log back, if it is worth it now."""
        size = self._log_pages * self._page_size
        if size >= WAL_LIMIT or (idle and size >= _WORTH_IT):
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._log_pages = 0

    def empty_log(self) -> None:
        """Write all of the log back, so that the file alone is the journal."""
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _committed(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK
