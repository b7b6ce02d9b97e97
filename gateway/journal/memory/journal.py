"""The journal's plain reference: dictionaries, no threads, the same order of events every time.

For tests and for the simulation under virtual time. It must not know what a disk is: durability
is modelled by a hook that is awaited for each commit, and ``crash`` takes back what that hook had
not confirmed. What it promises is the contract's; its claim on a receipt is ``memory``.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import NoReturn

from gateway.core.lifecycle import Status
from gateway.journal import damage, moves
from gateway.journal.chain import linked
from gateway.journal.contract import (
    Accepted,
    AuditRecord,
    Change,
    DuePage,
    Entry,
    Existing,
    JournalFault,
    JournalFull,
    Kept,
    Life,
    Totals,
    Usage,
)
from gateway.journal.memory.index import Index
from gateway.journal.memory.rows import Row
from gateway.journal.memory.state import Committed, State
from gateway.journal.moves import Phase


def _at_once() -> Awaitable[None]:
    return asyncio.sleep(0)


class MemoryJournal(Committed):
    """See ``contract.Journal``. Every write is applied at once, and once more when committed.

    Args:
        commit: awaited once for each group of writes; when it returns, they are durable.
        max_bytes: sealed bytes allowed before ``accept`` raises ``JournalFull``.
    """

    durability = "memory"

    def __init__(
        self, *, commit: Callable[[], Awaitable[None]] = _at_once, max_bytes: int = sys.maxsize
    ) -> None:
        super().__init__(commit)
        self._limit = max_bytes
        self._is_open = False

    async def open(self, *, now: float) -> int:
        """See the contract: starts from what was committed."""
        if self._is_open:
            raise JournalFault("this journal is open already; close it first")
        self._begin()
        self._index = Index(self._state.rows)
        self._is_open = True
        interrupted = [row for row in self._state.rows.values() if row.phase is Phase.SENDING]
        for row in interrupted:
            self._put(row.moved(moves.crashed(now=now)), before=row)
        await self._committed()
        return len(interrupted)

    async def close(self) -> None:
        """See the contract."""
        if self._is_open:
            self._is_open = False
            await self._committed()

    def crash(self) -> None:
        """Lose power: what is not committed is gone, and calls that wait raise ``JournalBroken``.

        ``open`` starts again from what was committed.
        """
        self._lose()
        self._is_open = False

    async def until_broken(self) -> NoReturn:
        """See the contract: memory does not break while nobody calls."""
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def damage(self) -> tuple[str, ...]:
        """See the contract."""
        self._check_open()
        lives = [row.life for row in self._state.rows.values()]
        reasons = Counter(
            life.reason or ""
            for life in lives
            if life.status is Status.DEAD_LETTER and life.reason in moves.QUARANTINED
        )
        sentences = damage.told(reasons, self._state.texts.get(damage.NOTE))
        await self._committed()
        return sentences

    async def accept(self, entry: Entry, *, sending: bool) -> Accepted | Existing:
        """See the contract."""
        self._check_open()
        known = self._index.identities.get(entry.identity)
        if known is not None:
            existing = self._state.rows[known]
            await self._committed()
            return Existing(existing.kept(body=False))
        if entry.id in self._state.rows:
            raise JournalFault("another enrollment has this id; ids must be unique")
        if self._index.used + len(entry.envelope.data) + len(entry.body.data) > self._limit:
            raise JournalFull("the journal is at its limit; deliver, or raise journal.max_bytes")
        held = entry.ordering is not None and self._index.head(entry.ordering) is not None
        begin = moves.admitted(accepted_at=entry.accepted_at, sending=sending, held=held)
        line = self._index.shares.joined(entry.station, accepted_at=entry.accepted_at)
        lag = line.last - entry.accepted_at
        row = Row.new(self._state.accepted + 1, entry, begin, lag=lag)
        self._index.shares.put(entry.station, line)
        self._put(row)
        await self._committed()
        return Accepted(begin.status, row.rank)

    async def find(self, enrollment_id: str) -> Kept | None:
        """See the contract."""
        return await self._found(enrollment_id, body=False)

    async def find_identity(self, identity: bytes) -> Kept | None:
        """See the contract."""
        self._check_open()
        return await self._found(self._index.identities.get(identity, ""), body=False)

    async def load(self, enrollment_id: str) -> Kept | None:
        """See the contract."""
        return await self._found(enrollment_id, body=True)

    async def due(self, *, now: float, limit: int) -> DuePage:
        """See the contract."""
        self._check_open()
        rows, next_due_at = self._index.due(now=now, limit=limit)
        page = DuePage(tuple(row.due() for row in rows), next_due_at)
        await self._committed()
        return page

    async def begin(self, enrollment_id: str, *, now: float, whole: bool = True) -> Kept | None:
        """See the contract."""
        self._check_open()
        row = self._state.rows.get(enrollment_id)
        if row is None or not moves.may_begin(row.life.status, row.phase):
            await self._committed()
            return None
        to = moves.begun(row.life.reason)
        begun = replace(row.moved(to), life=moves.attempted(row.life, to, at=now))
        self._put(begun, before=row)
        await self._committed()
        return begun.kept(body=whole)

    async def change(self, enrollment_id: str, change: Change, *, now: float) -> bool:
        """See the contract."""
        self._check_open()
        row = self._state.rows.get(enrollment_id)
        to = None
        if row is not None:
            held = row.ordering is not None and self._index.head(row.ordering) is not row
            to = moves.changed(row.life.status, change, now=now, held=held)
        if row is None or to is None:
            await self._committed()
            return False
        again = moves.requeues(row.life.status, to.status)
        moved = replace(
            row.moved(to),
            answer=change.answer or row.answer,
            requeued_at=now if again else row.requeued_at,
        )
        self._put(moved, before=row)
        if to.phase is Phase.DONE and row.ordering is not None:
            self._release(row.ordering, now=now)
        await self._committed()
        return True

    async def totals(self) -> Totals:
        """See the contract."""
        self._check_open()
        totals = Totals(
            accepted=self._state.accepted,
            by_status=self._index.by_status.copy(),
            forgotten=self._state.forgotten.copy(),
            oldest_undelivered_at=self._index.oldest_undelivered_at(),
        )
        await self._committed()
        return totals

    async def list(
        self,
        *,
        statuses: Sequence[Status] = (),
        accepted_before: float | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> tuple[Life, ...]:
        """See the contract. Sorts everything: the reference need not be fast here."""
        self._check_open()
        rows = self._state.rows
        start = (-float("inf"), 0) if after is None else None
        if after in rows:
            start = (rows[after].life.accepted_at, rows[after].seq)
        found = sorted(
            (row.life.accepted_at, row.seq, row.life.id)
            for row in rows.values()
            if (not statuses or row.life.status in statuses)
            and (accepted_before is None or row.life.accepted_at < accepted_before)
            and start is not None
            and (row.life.accepted_at, row.seq) > start
        )
        page = tuple(rows[enrollment_id].life for _, _, enrollment_id in found[:limit])
        await self._committed()
        return page

    async def usage(self) -> Usage:
        """See the contract."""
        self._check_open()
        usage = Usage(used=self._index.used, limit=self._limit, free=None)
        await self._committed()
        return usage

    async def forget(self, *, settled_before: float, limit: int) -> int:
        """See the contract."""
        self._check_open()
        rows = tuple(self._index.settled_before(settled_before, limit=limit))
        for row in rows:
            self._write(partial(State.drop, row=row))
            self._index.forget(row)
        await self._committed()
        return len(rows)

    async def remember(self, name: str, value: str) -> None:
        """See the contract."""
        self._check_open()
        self._write(lambda state: state.texts.update({name: value}))
        await self._committed()

    async def recall(self, name: str) -> str | None:
        """See the contract."""
        self._check_open()
        value = self._state.texts.get(name)
        await self._committed()
        return value

    async def audit(
        self, actor: str, action: str, subject: str, detail: str, *, now: float
    ) -> AuditRecord:
        """See the contract."""
        self._check_open()
        last = self._state.audit[-1] if self._state.audit else None
        record = linked(last, AuditRecord(0, now, actor, action, subject, detail))
        self._write(lambda state: state.audit.append(record))
        await self._committed()
        return record

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
        self._check_open()
        if self._state.texts.get(note) != was:
            await self._committed()
            return None
        self._write(lambda state: state.texts.update({note: becomes}))
        return await self.audit(actor, action, subject, detail, now=now)

    async def audit_list(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditRecord, ...]:
        """See the contract."""
        self._check_open()
        known = self._state.audit
        older = known if before is None else known[: max(before - 1, 0)]
        page = tuple(islice(reversed(older), limit))
        await self._committed()
        return page

    def _check_open(self) -> None:
        if not self._is_open:
            raise JournalFault("the journal is not open")

    async def _found(self, enrollment_id: str, *, body: bool) -> Kept | None:
        self._check_open()
        row = self._state.rows.get(enrollment_id)
        await self._committed()
        return row.kept(body=body) if row is not None else None

    def _release(self, ordering: bytes, *, now: float) -> None:
        head = self._index.head(ordering)
        if head is not None and head.phase is Phase.HELD:
            self._put(
                head.moved(moves.released(head.life.status, head.life.reason, now=now)), before=head
            )

    def _put(self, row: Row, *, before: Row | None = None) -> None:
        self._write(partial(State.put, row=row))
        self._index.note(row, before=before)
