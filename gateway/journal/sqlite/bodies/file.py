"""The file of large bodies: made when it is first needed, written in place, synced when told.

Theory: in an outage bodies are written and not read for minutes. Through the system's cache each
of their pages costs memory and processor time twice: when it is filled, and when it is thrown out
unread. So the cache is passed by (O_DIRECT, open(2)): bytes go from a room in memory, which is
kept, straight to the disk, in whole blocks, and come back the same way. Bodies that lie side by
side go together. Where a file system knows no such thing, its cache is used.

Must not know which stretches are in use.
"""

import errno
import fcntl
import mmap
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from gateway.files import sync_directory
from gateway.journal.contract import JournalBroken
from gateway.journal.sqlite.bodies.extents import BLOCK

T = TypeVar("T")

ROOM: Final = 1024 * 1024
"""Bytes that are carried at once, between the file and whoever wrote or wants them."""
_PAST_THE_CACHE: Final = getattr(os, "O_DIRECT", 0)  # Linux has it


class BodyFile:
    """Open as long as the journal is. A disk's error is an ``OSError``, but for a failed sync.

    ``size``: its bytes, whole blocks. ``unsynced``: something was written since the last sync.
    """

    def __init__(self, path: Path) -> None:
        """Open it, if it is there."""
        self._path = path
        self._handle: int | None = None
        self._room = memoryview(mmap.mmap(-1, ROOM))  # at the beginning of a page, as it must be
        self.unsynced = False
        self.size = 0
        if path.exists():
            self._handle = self._opened(os.O_RDWR)
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
            handle = self._opened(os.O_RDWR | os.O_CREAT | os.O_EXCL)
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

    def write(self, bodies: Iterable[tuple[int, bytes | bytearray]]) -> None:
        """Each at its place, the beginning of a block; the rest of its last block is emptied."""
        start = filled = 0  # where the room's bytes belong, and how many they are
        for place, data in bodies:
            if place != start + filled:
                self._carry(start, filled)
                start, filled = place, 0
            left = memoryview(data)
            while left:
                part, left = left[: ROOM - filled], left[ROOM - filled :]
                filled += len(part)
                self._room[filled - len(part) : filled] = part
                if filled == ROOM:
                    self._carry(start, filled)
                    start, filled = start + filled, 0
            rest = -filled % BLOCK
            self._room[filled : filled + rest] = bytes(rest)
            filled += rest
        self._carry(start, filled)

    def holds(self, place: int, length: int) -> bool:
        """Whether the file reaches so far. A damaged row may say anything."""
        return place >= 0 and length >= 0 and place + length <= self.size

    def read(self, place: int, into: bytearray) -> None:
        """Fill ``into`` from there; it is cut where the file ends."""
        filled, at = 0, place // BLOCK * BLOCK
        while filled < len(into):
            skipped, left = place + filled - at, len(into) - filled
            wanted = self._room[: min(-(-(skipped + left) // BLOCK) * BLOCK, ROOM)]
            came = self._moved(partial(_fill, wanted, at))
            part = wanted[skipped : min(came, skipped + left)]
            into[filled : filled + len(part)] = part
            filled += len(part)
            at += len(wanted)
            if came < len(wanted):
                del into[filled:]

    def sync(self) -> None:
        """What was written is durable when this returns.

        Raises:
            JournalBroken: the disk failed to; see ``faults``.
        """
        self._synced(os.fdatasync, self._open)
        self.unsynced = False

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

    def _carry(self, place: int, size: int) -> None:
        """The first bytes of the room, to their place."""
        done = 0
        while done < size:
            self.unsynced = True
            done += self._moved(partial(_put, self._room[done:size], place + done))

    def _moved(self, how: Callable[[int], int]) -> int:
        """Read or write; how many bytes."""
        try:
            return how(self._open)
        except OSError as error:
            flags = fcntl.fcntl(self._open, fcntl.F_GETFL)
            if error.errno != errno.EINVAL or not flags & _PAST_THE_CACHE:
                raise
            # Its blocks are larger than ours.
            fcntl.fcntl(self._open, fcntl.F_SETFL, flags & ~_PAST_THE_CACHE)
            return how(self._open)

    def _opened(self, flags: int) -> int:
        handle = os.open(self._path, flags, 0o600)
        with suppress(OSError):  # a file system that knows only the way through the cache
            fcntl.fcntl(handle, fcntl.F_SETFL, _PAST_THE_CACHE)
        return handle

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


def _put(part: memoryview, place: int, handle: int) -> int:
    return os.pwrite(handle, part, place)


def _fill(part: memoryview, place: int, handle: int) -> int:
    return os.preadv(handle, [part], place)
