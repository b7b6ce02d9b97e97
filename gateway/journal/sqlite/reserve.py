"""Space that is the journal's own: a file of nothing beside it, given up when its disk is full.

Theory: what was accepted must be led to its end, also on a disk that others have filled; an outcome
that cannot be written is an enrollment that is sent again. So a little space is taken while there
is plenty. When a write finds the disk full, the file is cut to nothing, and outcomes are written in
its place. While it is given up nothing new is accepted; as soon as there is space again, it is
taken again, and intake goes on.

Must not know what is written, or when it is time.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_MOST: Final = 16 * 1024 * 1024
_LEAST: Final = 2 * 1024 * 1024
_USUAL_PART, _LARGEST_PART = 64, 8  # of the disk: a sixty-fourth, and never more than an eighth


class Reserve:
    """The file. ``size``: its bytes when it is whole, a small part of a small disk."""

    def __init__(self, journal: Path, *, disk_bytes: int) -> None:
        self._path = of(journal)
        usual = min(max(disk_bytes // _USUAL_PART, _LEAST), _MOST)
        self.size = min(usual, disk_bytes // _LARGEST_PART)
        self.is_whole = False

    def take(self) -> None:
        """Take the space, if it is there; durable or not, it is only space."""
        if self.is_whole:
            return
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError:
            return
        try:
            os.posix_fallocate(handle, 0, self.size)
            self.is_whole = True
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def give_up(self) -> bool:
        """Free the space; False: it was free already."""
        was_whole, self.is_whole = self.is_whole, False
        give_up(self._path)
        return was_whole


def of(journal: Path) -> Path:
    """The file beside a journal."""
    return journal.with_name(journal.name + ".reserve")


def give_up(path: Path) -> None:
    """Free the space that the file at ``path`` holds, if there is one."""
    with suppress(OSError):
        os.truncate(path, 0)
