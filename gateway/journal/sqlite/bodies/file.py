"""The file of large bodies: made when it is first needed, written in place, synced when told.

Theory: in an outage bodies are written and not read for minutes. Through the system's cache each
of their pages costs memory and processor time twice: when it is filled, and when it is thrown out
unread. So the cache is passed by (O_DIRECT, open(2)): bytes go from where they are straight to the
disk, in whole blocks, and come back the same way. Bodies that lie side by side go together. Where a
file system knows no such thing, its cache is used.

Must not know which stretches are in use.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from gateway.files import sync_directory
from gateway.journal.aligned import Bytes, aligned
from gateway.journal.contract import JournalBroken
from gateway.journal.sqlite.bodies.load import MOST_PARTS, Load

T = TypeVar("T")

ROOM: Final = 1024 * 1024
"""Bytes that are copied before they go to the disk together."""
_PAST_THE_CACHE: Final = getattr(os, "O_DIRECT", 0)  # Linux has it


class BodyFile:
    """Open as long as the journal is. A disk's error is an ``OSError``, but for a failed sync.

    ``size``: its bytes, whole blocks. ``unsynced``: something was written since the last sync.
    """

    def __init__(self, path: Path) -> None:
        """Open it, if it is there."""
        self._path = path
        self._handle: int | None = None
        self._room = aligned(ROOM)
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

    def write(self, bodies: Iterable[tuple[int, Bytes]]) -> None:
        """Each at its place, the beginning of a block; the rest of its last block is emptied.

        What lies at the beginning of a page in memory goes from there. The rest is copied to a
        room that does: what lies elsewhere, and the end of each body, to fill its block.
        """
        load = Load(0, self._room)
        for place, data in bodies:
            if place != load.end:
                self._carry(load)
                load = Load(place, self._room)
            left = memoryview(data)
            while left:
                if load.is_full:
                    self._carry(load)
                    load = Load(load.end, self._room)
                left = left[load.take(left) :]
        self._carry(load)

    def holds(self, place: int, length: int) -> bool:
        """Whether the file reaches so far. A damaged row may say anything."""
        return place >= 0 and length >= 0 and place + length <= self.size

    def read(self, place: int, rooms: list[memoryview]) -> None:
        """Fill the rooms from there, one after the other; with nulls where the file lacks it.

        Args:
            place: the beginning of a block.
            rooms: each of whole blocks, at the beginning of a page in memory.
        """
        while rooms and (came := self._moved(partial(_fill, rooms[:MOST_PARTS], place))):
            rooms, place = _after(rooms, came), place + came
        for room in rooms:
            room[:] = bytes(len(room))

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

    def _carry(self, load: Load) -> None:
        """To the disk with it."""
        parts, place = load.parts, load.place
        while place < load.end:
            self.unsynced = True
            done = self._moved(partial(_put, parts, place))
            place += done
            parts = _after(parts, done)

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


def _put(parts: list[memoryview], place: int, handle: int) -> int:
    return os.pwritev(handle, parts, place)


def _fill(parts: list[memoryview], place: int, handle: int) -> int:
    return os.preadv(handle, parts, place)


def _after(parts: list[memoryview], done: int) -> list[memoryview]:
    """What is left of the parts when so many bytes have gone."""
    left = []
    for part in parts:
        if done < len(part):
            left.append(part[done:])
        done = max(done - len(part), 0)
    return left
