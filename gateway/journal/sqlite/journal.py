"""The contract on SQLite: each method is one call to the thread that writes.

Must not know SQL, which is in the ``book``, nor how calls are gathered, which is in ``writer``.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import apsw

from gateway.core.facts import Fact, Publish
from gateway.core.lifecycle import Status
from gateway.journal.contract import (
    Accepted,
    AuditRecord,
    Change,
    DuePage,
    Entry,
    Existing,
    JournalBroken,
    JournalFault,
    Kept,
    Life,
    Totals,
    Usage,
)
from gateway.journal.sqlite.book import SqliteBook
from gateway.journal.sqlite.faults import fault_of
from gateway.journal.sqlite.opening import SETTINGS
from gateway.journal.sqlite.writer import Writer

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
_ROW_BYTES = 512  # what a row costs beside its sealed parts, about


def _to_nobody(_fact: Fact) -> None:
    pass


class SqliteJournal:
    """See ``contract.Journal``."""

    durability = "fsync"

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 21_474_836_480,
        min_free_bytes: int = 536_870_912,
        publish: Publish = _to_nobody,
        settings: Mapping[str, str | int] = SETTINGS,
    ) -> None:
        """Describe it; ``open`` touches the disk.

        Args:
            path: the file; its directory must exist.
            max_bytes: beyond it ``accept`` raises ``JournalFull``.
            min_free_bytes: to be left free on the disk, so that outcomes can still be written.
            publish: is told of each group commit.
            settings: pragmas, each read back when it opens.
        """
        self._path = path
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_bytes
        self._publish = publish
        self._settings = settings
        self._writer: Writer | None = None

    async def open(self, *, now: float) -> int:
        """See the contract."""
        if self._writer is not None:
            raise JournalFault("this journal is open already; close it first")
        writer = Writer(self._publish)
        in_doubt = 0

        def opening() -> SqliteBook:
            nonlocal in_doubt
            book = SqliteBook(
                self._path,
                max_bytes=self._max_bytes,
                min_free_bytes=self._min_free_bytes,
                settings=self._settings,
                now=now,
            )
            try:
                in_doubt = book.begin_era(now=now)
            except Exception as error:
                with contextlib.suppress(apsw.Error):
                    book.rollback()
                book.close(trusted=not isinstance(fault_of(error), JournalBroken))
                raise
            return book

        await writer.start(opening)
        self._writer = writer
        return in_doubt

    async def close(self) -> None:
        """See the contract."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.stop()

    async def until_broken(self) -> NoReturn:
        """See the contract."""
        if self._writer is None:
            raise JournalFault("the journal is not open")
        raise await self._writer.broken()

    async def damage(self) -> tuple[str, ...]:
        """See the contract."""
        return await self._call(lambda book: book.notes.damage())

    async def accept(self, entry: Entry, *, sending: bool) -> Accepted | Existing:
        """See the contract."""
        size = len(entry.envelope.data) + len(entry.body.data) + _ROW_BYTES
        return await self._call(
            lambda book: book.accepting.accept(entry, sending=sending, size=size), size=size
        )

    async def find(self, enrollment_id: str) -> Kept | None:
        """See the contract."""
        return await self._call(lambda book: book.looking.find(enrollment_id))

    async def find_identity(self, identity: bytes) -> Kept | None:
        """See the contract."""
        return await self._call(lambda book: book.looking.find_identity(identity))

    async def due(self, *, now: float, limit: int) -> DuePage:
        """See the contract."""
        return await self._call(lambda book: book.looking.due(now=now, limit=limit))

    async def begin(self, enrollment_id: str, *, now: float, whole: bool = True) -> Kept | None:
        """See the contract."""
        return await self._call(
            lambda book: book.moving.begin(enrollment_id, now=now, whole=whole), reads=whole
        )

    async def load(self, enrollment_id: str) -> Kept | None:
        """See the contract."""
        return await self._call(lambda book: book.looking.load(enrollment_id), reads=True)

    async def change(self, enrollment_id: str, change: Change, *, now: float) -> bool:
        """See the contract."""
        size = _ROW_BYTES + (len(change.answer.data) if change.answer is not None else 0)
        return await self._call(
            lambda book: book.moving.change(enrollment_id, change, now=now),
            size=size,
            hurried=False,
        )

    async def totals(self) -> Totals:
        """See the contract."""
        return await self._call(lambda book: book.totals())

    async def list(
        self,
        *,
        statuses: Sequence[Status] = (),
        accepted_before: float | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> tuple[Life, ...]:
        """See the contract."""
        return await self._call(
            lambda book: book.looking.list(
                statuses=statuses, accepted_before=accepted_before, after=after, limit=limit
            )
        )

    async def usage(self) -> Usage:
        """See the contract."""
        return await self._call(lambda book: book.usage())

    async def forget(self, *, settled_before: float, limit: int) -> int:
        """See the contract."""
        return await self._call(
            lambda book: book.moving.forget(settled_before=settled_before, limit=limit)
        )

    async def remember(self, name: str, value: str) -> None:
        """See the contract."""
        await self._call(lambda book: book.notes.remember(name, value))

    async def recall(self, name: str) -> str | None:
        """See the contract."""
        return await self._call(lambda book: book.notes.recall(name))

    async def audit(
        self, actor: str, action: str, subject: str, detail: str, *, now: float
    ) -> AuditRecord:
        """See the contract."""
        return await self._call(
            lambda book: book.audit.add(AuditRecord(0, now, actor, action, subject, detail))
        )

    async def audit_once(
        self,
        actor: str,
        action: str,
        subject: str,
        detail: str,
        *,
        note: str,
        was: str | None,
        becomes: str,
        now: float,
    ) -> AuditRecord | None:
        """See the contract."""
        record = AuditRecord(0, now, actor, action, subject, detail)

        def once(book: SqliteBook) -> AuditRecord | None:
            if book.notes.recall(note) != was:
                return None
            book.notes.remember(note, becomes)
            return book.audit.add(record)

        return await self._call(once)

    async def audit_list(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditRecord, ...]:
        """See the contract."""
        return await self._call(lambda book: book.audit.list(limit=limit, before=before))

    def _call(
        self,
        work: Callable[[SqliteBook], T],
        *,
        size: int = 0,
        hurried: bool = True,
        reads: bool = False,
    ) -> "asyncio.Future[T]":
        if self._writer is None:
            raise JournalFault("the journal is not open")
        return self._writer.call(work, size=size, hurried=hurried, reads=reads)
