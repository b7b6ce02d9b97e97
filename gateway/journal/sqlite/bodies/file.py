"""The file of large bodies: made when it is first needed, written in place, synced when told.

Theory: in an outage bodies are written and not read for minutes. Left alone, the system would keep
them all in its cache, page by page until no memory is free: on a machine whose memory is shared
out, or in a container, each of these pages is dear (measured: 2.1 ms of processor for 1 MB, of
which 1.9 ms go for memory that was never used before). So the cache is let go now and then, and
the same few pages of memory take the next bodies. A file that is small stays in it whole.

Must not know which stretches are in use.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from gateway.files import sync_directory
from gateway.journal.contract import JournalBroken
from gateway.journal.sqlite.bodies.writeback import start_writeback

T = TypeVar("T")

CACHED: Final = 64 * 1024 * 1024
"""Bytes of the file that the system may keep in memory, about."""


class BodyFile:
    """Open as long as the journal is. A disk's error is an ``OSError``, but for a failed sync.

    ``size``: its bytes. ``unsynced``: something was written since the last sync.
    """

    def __init__(self, path: Path) -> None:
        """Open it, if it is there."""
        self._path = path
        self._handle: int | None = None
        self._touched = 0  # bytes written and read since the cache was let go
        self.unsynced = False
        self.size = 0
        if path.exists():
            self._handle = os.open(path, os.O_RDWR)
            self.size = os.fstat(self._handle).st_size

    @property
    def is_there(self) -> bool:
        """Whether there is such a file."""
        return self._handle is not None

    def grow(self, size: int) -> None:
        """Take space for so many bytes; a new file's name is durable when this returns.

        Its new size is so with the next sync: a sync of data brings what is needed to read it.
        """
        handle = self._handle
        if handle is None:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            self._handle = handle
            self._synced(os.fsync, handle)
            self._synced(sync_directory, self._path.parent)
        try:
            os.posix_fallocate(handle, self.size, size - self.size)
        except OSError:
            with suppress(OSError):  # what it took before the disk was full
                os.ftruncate(handle, self.size)
            raise
        self.size = size
        self.unsynced = True

    def write(self, place: int, data: bytes | bytearray) -> None:
        """Over what is there. The disk begins with it, and so does not wait for the sync."""
        left, end = memoryview(data), place + len(data)
        self.unsynced = True
        self._touched += len(data)
        while left:
            left = left[os.pwrite(self._open, left, end - len(left)) :]
        start_writeback(self._open, place, len(data))

    def read(self, place: int, length: int) -> bytes:
        """What is there; fewer bytes where the file ends."""
        if place < 0 or place + length > self.size:  # a damaged row may say anything
            return b""
        data = os.pread(self._open, length, place)
        self._touched += length
        self._let_go()
        return data

    def sync(self) -> None:
        """What was written is durable when this returns.

        Raises:
            JournalBroken: the disk failed to; see ``faults``.
        """
        self._synced(os.fdatasync, self._open)
        self.unsynced = False
        self._let_go()

    def cut(self, size: int) -> None:
        """Give the disk back what is beyond; durable when this returns."""
        if size < self.size:
            os.ftruncate(self._open, size)
            self._synced(os.fsync, self._open)
            self.size = size

    def close(self) -> None:
        """Idempotent. Nothing is synced by it."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _let_go(self) -> None:
        """Keep the system's cache small. What is not synced yet stays in it."""
        if min(self._touched, self.size) > CACHED:
            os.posix_fadvise(self._open, 0, 0, os.POSIX_FADV_DONTNEED)
            self._touched = 0

    @property
    def _open(self) -> int:
        if self._handle is None:
            raise FileNotFoundError(self._path)
        return self._handle

    @staticmethod
    def _synced(how: Callable[[T], None], what: T) -> None:
        try:
            how(what)
        except OSError as error:
            raise JournalBroken(
                "the disk failed to sync the journal; check the disk, then restart"
            ) from error
