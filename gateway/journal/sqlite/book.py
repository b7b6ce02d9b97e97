"""What each call of the journal does to the file, inside the transaction that the writer holds.

Every method may be run twice: when a transaction fails, it is run again in one of its own. So what
is kept in memory (counters, sizes) is only what the transaction at hand has changed, and is
dropped with it. Which moves are allowed is decided in ``journal.moves``; the SQL only carries
them out.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import apsw

from gateway.core.lifecycle import FINAL, UNDELIVERED, Status
from gateway.core.moments import stamp
from gateway.journal import damage, moves
from gateway.journal.chain import linked
from gateway.journal.contract import (
    Accepted,
    AuditRecord,
    Change,
    DuePage,
    Entry,
    Existing,
    JournalFull,
    Kept,
    Life,
    Sealed,
    Totals,
    Usage,
)
from gateway.journal.moves import Phase, Standing
from gateway.journal.sqlite import reserve, rows, salvage
from gateway.journal.sqlite.guard import Guard
from gateway.journal.sqlite.lines import Lines
from gateway.journal.sqlite.marker import ERA, Era, Older
from gateway.journal.sqlite.opening import Damaged, open_file
from gateway.journal.sqlite.space import Space

_PROMOTED_AT_ONCE = 1000

_INSERT = """
INSERT INTO enrollment (id, identity, fingerprint, ordering, station, status, phase, priority,
    rank, attempts, size, accepted_at, next_attempt_at, last_attempt_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (identity) DO NOTHING"""
_MOVE = """
UPDATE enrollment SET status = ?, phase = ?, next_attempt_at = ?, settled_at = ?, reason = ?
WHERE seq = ?"""
_KEPT = f"SELECT {rows.KEPT} FROM enrollment JOIN content USING (seq) WHERE"  # noqa: S608 - constants
_WHOLE = f"SELECT {rows.WHOLE} FROM enrollment JOIN content USING (seq) WHERE"  # noqa: S608 - as above
_DUE = f"""
SELECT {rows.DUE} FROM enrollment WHERE phase = 'ready' ORDER BY rank, seq LIMIT ?"""  # noqa: S608 - as above
_LIST = f"""
SELECT accepted_at, seq, {rows.LIFE} FROM enrollment
WHERE status = ? AND accepted_at < ? AND (accepted_at, seq) > (?, ?)
ORDER BY accepted_at, seq LIMIT ?"""  # noqa: S608 - as above
_PROMOTE = """
UPDATE enrollment SET phase = 'ready' WHERE seq IN (
    SELECT seq FROM enrollment WHERE phase = 'later' AND next_attempt_at <= ?
    ORDER BY next_attempt_at LIMIT ?)"""


class SqliteBook:
    """The open file. Used by the writer's thread alone."""

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        min_free_bytes: int,
        settings: Mapping[str, str | int],
        now: float,
    ) -> None:
        """Open it; a damaged one is salvaged. ``guard`` and ``opening`` say what is raised."""
        salvage.finish(path)
        try:
            self._connection = self._open(path, settings)
        except Damaged:
            salvage.salvage(path, stamp=stamp(now))
            self._connection = self._open(path, settings)
        self._execute: Callable[..., Any] = self._connection.cursor().execute
        self._space = Space(
            self._connection, path, max_bytes=max_bytes, min_free_bytes=min_free_bytes
        )
        self._counted: Counter[str] = Counter()
        self._lines = Lines(self._connection)

    def _open(self, path: Path, settings: Mapping[str, str | int]) -> apsw.Connection:
        self._guard = Guard(path)

        def ours() -> None:
            reserve.give_up(reserve.of(path))  # opening writes too, on a full disk in its place
            self._guard.opening()

        return open_file(
            path,
            settings,
            ours=ours,
            marked=self._guard.is_marked,
            whole=self._guard.suspects,
        )

    # -- transactions ----------------------------------------------------------------------------

    def begin(self) -> None:
        """See ``writer.Book``."""
        self._execute("BEGIN IMMEDIATE")
        self._space.look()

    def written(self) -> int:
        """See ``writer.Book``."""
        return self._connection.total_changes()

    def commit(self) -> None:
        """See ``writer.Book``."""
        self._write_counters()
        self._execute("COMMIT")
        self._lines.keep()

    def rollback(self) -> None:
        """See ``writer.Book``."""
        self._counted.clear()
        self._lines.undo()
        if self._connection.in_transaction:
            self._execute("ROLLBACK")

    def make_room(self) -> bool:
        """See ``writer.Book``."""
        return self._space.give_up_reserve()

    def tidy(self, *, idle: bool) -> None:
        """See ``writer.Book``."""
        if self._space.checkpoint(idle=idle):
            self._guard.written_back(accepted=self._accepted())

    def close(self, *, trusted: bool) -> None:
        """See ``writer.Book``."""
        try:
            if trusted:
                self._guard.closing(accepted=self._accepted())
                self._space.empty_log()
            else:
                self._guard.broken()
        finally:
            self._connection.close()

    # -- enrollments -----------------------------------------------------------------------------

    def recover(self, *, now: float) -> int:
        """Begin an era. After a crash what was sending is in doubt; in an older journal, all."""
        found = Era.parse(self.recall(ERA))
        older = self._guard.judge(found, accepted=self._accepted())
        self.remember(ERA, str(self._guard.next_era(found)))
        sending = self._execute("SELECT seq FROM enrollment WHERE status = 'sending'").fetchall()
        for (seq,) in sending:
            self._move(seq, Status.SENDING, moves.crashed(now=now))
        return len(sending) if older is None else self._doubt_all(older, now=now)

    def guard(self) -> None:
        """The era's beginning is durable: from now on less than this is noticed."""
        era = Era.parse(self.recall(ERA))
        if era is not None:
            self._guard.begun(era, accepted=self._accepted())

    def accept(self, entry: Entry, *, sending: bool, size: int) -> Accepted | Existing:
        """Insert, unless the identity is known."""
        if not self._space.has_room_for(size):
            known = self.find_identity(entry.identity)
            if known is None:
                raise JournalFull(
                    "the journal has no room for another enrollment; it goes on as enrollments are"
                    " delivered, or free its disk, or raise journal.max_bytes"
                )
            return Existing(known)
        held = entry.ordering is not None and self._head(entry.ordering) is not None
        begins = moves.admitted(accepted_at=entry.accepted_at, sending=sending, held=held)
        started = begins.status is Status.SENDING
        line = self._lines.joined(entry.station, accepted_at=entry.accepted_at)
        rank = entry.rank + (line.last - entry.accepted_at)
        self._execute(
            _INSERT,
            (
                entry.id,
                entry.identity,
                entry.fingerprint,
                entry.ordering,
                entry.station,
                begins.status,
                begins.phase,
                entry.priority,
                rank,
                int(started),
                entry.size,
                entry.accepted_at,
                begins.next_attempt_at,
                entry.accepted_at if started else None,
            ),
        )
        if self._connection.changes() == 0:
            known = self.find_identity(entry.identity)
            if known is not None:
                return Existing(known)
        self._execute(
            "INSERT INTO content (seq, envelope_key, body_key, envelope, body)"
            " VALUES (last_insert_rowid(), ?, ?, ?, ?)",
            (entry.envelope.key, entry.body.key, entry.envelope.data, entry.body.data),
        )
        self._counted["accepted"] += 1
        self._counted[begins.status] += 1
        self._space.take(size)
        self._lines.join(entry.station, line)
        return Accepted(begins.status, rank)

    def find(self, enrollment_id: str) -> Kept | None:
        """By its id, without the body."""
        row = self._one(f"{_KEPT} id = ?", enrollment_id)
        return None if row is None else rows.kept(row)

    def find_identity(self, identity: bytes) -> Kept | None:
        """By its identity, without the body."""
        row = self._one(f"{_KEPT} identity = ?", identity)
        return None if row is None else rows.kept(row)

    def load(self, enrollment_id: str) -> Kept | None:
        """By its id, with the body."""
        row = self._one(f"{_WHOLE} id = ?", enrollment_id)
        return None if row is None else rows.kept(row)

    def due(self, *, now: float, limit: int) -> DuePage:
        """Pick up what fell due, then read what is ready by rank."""
        later = self._first_later()
        if later is not None and later <= now:
            self._execute(_PROMOTE, (now, _PROMOTED_AT_ONCE))
            later = self._first_later()
        found = self._execute(_DUE, (limit + 1,)).fetchall()
        page = tuple(rows.due(row) for row in found[:limit])
        return DuePage(page, now if len(found) > limit else later)

    def begin_attempt(self, enrollment_id: str, *, now: float) -> Kept | None:
        """Write the intent, and load it whole."""
        row = self._one(
            "SELECT seq, status, phase, reason FROM enrollment WHERE id = ?", enrollment_id
        )
        if row is None:
            return None
        seq, status, phase, reason = row
        if not moves.may_begin(Status(status), Phase(phase)):
            return None
        if not self._space.has_room_for_an_attempt():
            raise JournalFull("the disk is full: no attempt begins whose outcome could not be kept")
        self._move(seq, Status(status), moves.begun(reason))
        self._execute(
            "UPDATE enrollment SET attempts = attempts + 1, last_attempt_at = ? WHERE seq = ?",
            (now, seq),
        )
        return self.load(enrollment_id)

    def change(self, enrollment_id: str, change: Change, *, now: float) -> bool:
        """Move it; erase the body of what is final, and free the next in its order."""
        row = self._one(
            "SELECT seq, status, ordering, station FROM enrollment WHERE id = ?", enrollment_id
        )
        if row is None:
            return False
        seq, status, ordering, station = row
        head = None if ordering is None else self._head(ordering)
        held = head is not None and head[0] != seq
        to = moves.changed(Status(status), change, now=now, held=held)
        if to is None:
            return False
        self._move(seq, Status(status), to)
        self._lines.moved(
            station, waited=Status(status) in UNDELIVERED, waits=to.status in UNDELIVERED
        )
        if moves.requeues(Status(status), to.status):
            self._execute("UPDATE enrollment SET requeued_at = ? WHERE seq = ?", (now, seq))
        if to.phase is Phase.DONE:
            self._erase_body(seq, change.answer)
            if ordering is not None:
                self._release(ordering, now=now)
        elif change.answer is not None:
            self._execute(
                "UPDATE content SET answer_key = ?, answer = ? WHERE seq = ?",
                (change.answer.key, change.answer.data, seq),
            )
        return True

    def _erase_body(self, seq: int, answer: Sealed | None) -> None:
        """Take the key and the body out of the row, where it stands; the answer comes with it.

        In place, since a row that moves leaves copies of its neighbours' keys on pages that are
        only freed. The price: a body that fits on its row's page gives its room back only when the
        enrollment is forgotten.
        """
        if answer is None:
            self._execute("UPDATE content SET body_key = NULL, body = NULL WHERE seq = ?", (seq,))
        else:
            self._execute(
                "UPDATE content SET body_key = NULL, body = NULL, answer_key = ?, answer = ?"
                " WHERE seq = ?",
                (answer.key, answer.data, seq),
            )

    def list(
        self,
        *,
        statuses: Sequence[Status],
        accepted_before: float | None,
        after: str | None,
        limit: int,
    ) -> tuple[Life, ...]:
        """Each status has its own index; merge them by age."""
        start: tuple[float, int] = (-1.0, 0)
        if after is not None:
            found = self._one("SELECT accepted_at, seq FROM enrollment WHERE id = ?", after)
            if found is None:
                return ()
            start = (found[0], found[1])
        before = float("inf") if accepted_before is None else accepted_before
        each = [
            self._connection.execute(_LIST, (status, before, *start, limit)).fetchall()
            for status in dict.fromkeys(statuses or Status)
        ]
        return tuple(rows.life(row[2:]) for row in islice(heapq.merge(*each), limit))

    def forget(self, *, settled_before: float, limit: int) -> int:
        """Delete what has been final long enough."""
        found = self._execute(
            "SELECT seq, status FROM enrollment WHERE phase = 'done' AND settled_at < ?"
            " ORDER BY settled_at, seq LIMIT ?",
            (settled_before, limit),
        ).fetchall()
        for seq, status in found:
            self._execute("DELETE FROM content WHERE seq = ?", (seq,))
            self._execute("DELETE FROM enrollment WHERE seq = ?", (seq,))
            self._counted[status] -= 1
            self._counted[f"forgotten_{status}"] += 1
        return len(found)

    # -- figures ---------------------------------------------------------------------------------

    def totals(self) -> Totals:
        """From the counters; those of this transaction among them."""
        counters = Counter(dict(self._execute("SELECT name, value FROM counter").fetchall()))
        counters.update(self._counted)
        oldest = [
            self._one("SELECT min(accepted_at) FROM enrollment WHERE status = ?", status)
            for status in UNDELIVERED
        ]
        return Totals(
            accepted=counters["accepted"],
            by_status={status: counters[status] for status in Status},
            forgotten={status: counters[f"forgotten_{status}"] for status in FINAL},
            oldest_undelivered_at=min(
                (row[0] for row in oldest if row is not None and row[0] is not None), default=None
            ),
        )

    def usage(self) -> Usage:
        """As of this transaction's begin."""
        return self._space.usage()

    def damage(self) -> tuple[str, ...]:
        """Quarantined dead letters have an index of their own."""
        found = self._execute(
            "SELECT reason, count(*) FROM enrollment"
            " WHERE status = 'dead_letter' AND reason IN ('unreadable', 'lost') GROUP BY reason"
        )
        return damage.told(dict(found.fetchall()), self.recall(damage.NOTE))

    def add_damage(self, sentence: str) -> None:
        """Tell this too, until an operator has taken note of it."""
        noted = self.recall(damage.NOTE)
        self.remember(damage.NOTE, f"{noted}\n{sentence}" if noted else sentence)

    # -- small things ----------------------------------------------------------------------------

    def remember(self, name: str, value: str) -> None:
        """Keep a text."""
        self._execute("INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> str | None:
        """The text, if there is one."""
        row = self._one("SELECT value FROM note WHERE name = ?", name)
        return None if row is None else str(row[0])

    def audit(self, record: AuditRecord) -> AuditRecord:
        """Add a record behind the last one; its number and its link are given here."""
        last = self.audit_list(limit=1, before=None)
        made = linked(last[0] if last else None, record)
        self._execute(
            f"INSERT INTO audit ({rows.AUDIT}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
            (made.seq, made.at, made.actor, made.action, made.subject, made.detail, made.link),
        )
        return made

    def audit_list(self, *, limit: int, before: int | None) -> tuple[AuditRecord, ...]:
        """The newest first."""
        found = self._execute(
            f"SELECT {rows.AUDIT} FROM audit WHERE ? IS NULL OR seq < ? ORDER BY seq DESC LIMIT ?",  # noqa: S608 - constants
            (before, before, limit),
        )
        return tuple(rows.audit(row) for row in found)

    def _accepted(self) -> int:
        # Read to its end: a statement left in the middle would keep the log from being emptied.
        found = self._execute("SELECT value FROM counter WHERE name = 'accepted'").fetchall()
        return int(found[0][0])

    def _doubt_all(self, older: Older, *, now: float) -> int:
        """What waits may have been sent since: see ``damage.RESTORED``."""
        waiting = self._execute(
            "SELECT seq, status, phase FROM enrollment WHERE status IN ('pending', 'in_doubt')"
        ).fetchall()
        for seq, status, phase in waiting:
            self._move(seq, Status(status), moves.restored(Phase(phase), now=now))
            self._execute("UPDATE enrollment SET last_attempt_at = ? WHERE seq = ?", (now, seq))
        self.remember(damage.RESTORED, damage.restored(older.why))
        if older.missing:
            self.add_damage(damage.missing(older.missing, older.why))
        return len(waiting)

    # -- inside ----------------------------------------------------------------------------------

    def _one(self, statement: str, *values: Any) -> tuple[Any, ...] | None:  # noqa: ANN401 - SQLite's
        row: tuple[Any, ...] | None = self._execute(statement, values).fetchone()
        return row

    def _move(self, seq: int, before: Status, to: Standing) -> None:
        self._execute(_MOVE, (*to, seq))
        if to.status is not before:
            self._counted[before] -= 1
            self._counted[to.status] += 1

    def _head(self, ordering: bytes) -> tuple[Any, ...] | None:
        """The first with this ordering key that is not final: the one whose turn it is."""
        return self._one(
            "SELECT seq, phase, reason, status FROM enrollment"
            " WHERE ordering = ? AND phase <> 'done' ORDER BY seq LIMIT 1",
            ordering,
        )

    def _release(self, ordering: bytes, *, now: float) -> None:
        head = self._head(ordering)
        if head is not None and head[1] == Phase.HELD:
            status = Status(head[3])
            self._move(head[0], status, moves.released(status, head[2], now=now))

    def _first_later(self) -> float | None:
        row = self._one("SELECT min(next_attempt_at) FROM enrollment WHERE phase = 'later'")
        return None if row is None else row[0]

    def _write_counters(self) -> None:
        for name, change in self._counted.items():
            if change:
                self._execute("UPDATE counter SET value = value + ? WHERE name = ?", (change, name))
        self._counted.clear()
