"""Large bodies: their bytes in a file beside the journal, their places in its rows.

Theory: a row of a megabyte is written twice, to the log and from there into the file, with
checksums and the pages between. A body is written once here, over blocks that an earlier one left,
which is far cheaper than a file that grows. The order is the promise: bytes are written and synced
before the commit of the row that tells where they are. So a row that is there after a crash has its
bytes; bytes without a row are nobody's. What a row held is used again only when the commit that
freed it is durable, for until then a crash brings the row back.

Places are given and rows written at once; the bytes themselves are carried by ``flush``, for the
disk is waited for in another thread than the rows are written in.

Bytes stay where they were when a body is erased; its data key is gone, so nothing opens them. A
torn, foreign or overwritten stretch does not open either: it is authenticated, row and all.

Must not know what is sealed in it, nor an enrollment's life.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apsw

from gateway.core.extents import BLOCK, Extent, Extents, blocks
from gateway.journal.aligned import Bytes, aligned
from gateway.journal.contract import JournalFault
from gateway.journal.sqlite.bodies.file import BodyFile

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE: Final = 16 * 1024
"""Sealed bytes above which a body goes into the file: a page of the journal.

What fits into a page costs no more in a row than anywhere else, and needs no second sync.
"""
STEP: Final = 16 * 1024 * 1024
"""By so much the file grows where the disk has plenty: taking space costs a write of its own."""
ENOUGH: Final = 8 * 1024 * 1024
"""Bytes that are read at once: while the disk brings the next, those that came are sent on."""
_PART: Final = 8  # of what is to spare: the most that is taken before it is needed

_INSIDE: Final = "place >= 0 AND length > 0 AND place + length <= ?"
_HELD: Final = f"SELECT place, length FROM extent WHERE {_INSIDE} ORDER BY place"  # noqa: S608 - constants
_OUTSIDE: Final = f"SELECT seq FROM extent WHERE NOT ({_INSIDE})"  # noqa: S608 - as above
_INSERT: Final = "INSERT INTO extent (seq, place, length) VALUES (?, ?, ?)"
_DELETE: Final = "DELETE FROM extent WHERE seq = ? RETURNING place, length"


def is_large(data: Bytes) -> bool:
    """Whether a sealed body goes into the file."""
    return len(data) > LARGE


def of(journal: Path) -> Path:
    """The file beside a journal."""
    return journal.with_name(f"{journal.name}.bodies")


class Bodies:
    """Used inside a transaction, by whoever owns the journal's file."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        """Open the file of the journal at ``path``, and find what is free in it.

        Raises:
            JournalFault: rows tell of it, and it is not there.
        """
        self._execute: Callable[..., Any] = connection.cursor().execute
        self._taken: list[Extent] = []  # by the transaction at hand
        self._freed: list[Extent] = []
        self._to_write: list[tuple[int, Bytes]] = []
        self._to_read: list[tuple[int, memoryview]] = []
        self._reading = 0  # bytes of those
        self._file = BodyFile(of(path))
        if not self._file.is_there and self._execute("SELECT EXISTS (SELECT 1 FROM extent)").get:
            count = self._execute("SELECT count(*) FROM extent").get
            raise JournalFault(
                f"{of(path)} is gone, and with it the bodies of {count} enrollments that the"
                " journal holds. Put it back, from its disk or your backup. Only if it is lost for"
                " good: make an empty file of that name, and they become dead letters (lost)"
            )
        held = self._execute(_HELD, (self._file.size,))
        self._extents = Extents(held, end=self._file.size)

    @property
    def held(self) -> int:
        """Bytes of the file that are in use."""
        return self._extents.held

    def growth(self, length: int) -> int:
        """By how many bytes at least the file must grow for one more body."""
        return self._extents.growth(length)

    def put(self, seq: int, data: Bytes, *, spare: int = 0) -> int:
        """A body's place, into a row; its bytes go there with ``flush``. By how much the file grew.

        Args:
            seq: whose it is.
            data: sealed.
            spare: bytes that the disk has to spare: the file may grow by more than it must.
        """
        grown = self.growth(len(data))
        if grown:
            grown = max(grown, min(STEP, spare // _PART) // BLOCK * BLOCK)
            self._file.grow(self._extents.end + grown)
            self._extents.grow(self._extents.end + grown)
        place = self._extents.take(len(data))
        if place is None:  # growth() is the same arithmetic
            raise AssertionError("the file has grown, and still has no room")
        self._taken.append((place, len(data)))
        self._to_write.append((place, data))
        self._execute(_INSERT, (seq, place, len(data)))
        return grown

    def erase(self, seq: int) -> None:
        """Its place is free when this transaction is durable; nothing to do where it has none."""
        self._freed += self._execute(_DELETE, (seq,)).fetchall()

    def read(self, place: int, length: int) -> Bytes:
        """The bytes of a body: here with the next ``flush``. Nulls where the file lacks it."""
        if not self._file.holds(place, length):
            return b""
        start, stop = blocks((place, length))
        room = aligned(stop - start)
        self._to_read.append((start, room))
        self._reading += len(room)
        return room[place - start : place - start + length]

    @property
    def has_enough_to_read(self) -> bool:
        """Whether more should wait for the next ``flush``."""
        return self._reading >= ENOUGH

    @property
    def waits_for_disk(self) -> bool:
        """Whether anything is to be written or read."""
        return bool(self._to_write or self._to_read)

    def flush(self) -> None:
        """Write what was put, then read what was asked for. Touches no row: any thread may wait."""
        writing, self._to_write = self._to_write, []
        reading, self._to_read, self._reading = self._to_read, [], 0
        if writing:
            self._file.write(sorted(writing, key=_place))
        reading.sort(key=_place)
        while reading:
            place, end, rooms = reading[0][0], reading[0][0], list[memoryview]()
            # Those that lie side by side in one call: each is a wait for the disk of its own.
            while reading and reading[0][0] == end:
                room = reading.pop(0)[1]
                rooms.append(room)
                end += len(room)
            self._file.read(place, rooms)

    def move(self, seq: int, place: int, length: int) -> None:
        """Put a body into a gap before its place, if there is one that is long enough."""
        to = self._extents.take_before(place, length)
        if to is None:
            return
        self._taken.append((to, length))
        body = self.read(place, length)
        self.flush()
        self._file.write([(to, body)])
        self._execute("UPDATE extent SET place = ? WHERE seq = ?", (to, seq))
        self._freed.append((place, length))

    def cut(self) -> None:
        """Give the disk back what is behind the last body. Between transactions."""
        self._extents.shrink()
        self._file.cut(self._extents.end)

    def outside(self) -> list[int]:
        """Whose bodies should be where the file is not: it was cut, or is another."""
        return [seq for (seq,) in self._execute(_OUTSIDE, (self._file.size,)).fetchall()]

    def disown(self, seq: int) -> None:
        """Forget the place of one that is ``outside``."""
        self._execute("DELETE FROM extent WHERE seq = ?", (seq,))

    def sync(self) -> None:
        """Before the commit: ``flush``, and what this transaction has written is durable.

        Raises:
            OSError: the disk failed to write or read.
            JournalBroken: it failed to sync.
        """
        self.flush()
        if self._file.unsynced:
            self._file.sync()

    def keep(self) -> None:
        """The transaction is durable."""
        for extent in self._freed:
            self._extents.give(extent)
        self._freed.clear()
        self._taken.clear()

    def undo(self) -> None:
        """It is not: what it wrote is nobody's."""
        for extent in self._taken:
            self._extents.give(extent)
        self._to_write.clear()
        self._to_read.clear()
        self._reading = 0
        self._freed.clear()
        self._taken.clear()

    def close(self) -> None:
        """Idempotent. Nothing is written by it."""
        self._file.close()


def _place(body: tuple[int, object]) -> int:
    return body[0]
