"""Give space back to the disk: rewrite the file without the pages that erased bodies left free."""

import os
from dataclasses import dataclass
from pathlib import Path

from gateway.journal.contract import JournalFull
from gateway.journal.sqlite.offline import opened

_TEMPORARY_FILES = 1  # temp_store: the copy is made in a file, not in memory


@dataclass(frozen=True, slots=True)
class Compacted:
    """The file's bytes before and after."""

    before: int
    after: int


def compact(path: Path) -> Compacted:
    """Rewrite it. A crash leaves the old file, or the new one.

    Raises:
        JournalFull: the disk has no room for the copies that this takes.
        JournalFault: see ``offline.opened``.
    """
    with opened(path) as connection:
        before = path.stat().st_size
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
    return Compacted(before, path.stat().st_size)
