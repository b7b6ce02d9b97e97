"""The open file and its transactions, inside which the writer runs the calls of the journal.

Every call may be run twice: when a transaction fails, it is run again in one of its own. So what
is kept in memory (counters, sizes, lines) is only what the transaction at hand has changed, and is
dropped with it. What the calls do is in the parts: ``accepting``, ``looking``, ``moving``,
``notes``, ``audit``.
"""

from collections.abc import Mapping
from pathlib import Path

import apsw

from gateway.core.lifecycle import FINAL, UNDELIVERED, Status
from gateway.core.moments import stamp
from gateway.journal import damage
from gateway.journal.contract import Totals, Usage
from gateway.journal.sqlite import reserve, salvage
from gateway.journal.sqlite.accepting import Accepting
from gateway.journal.sqlite.audit import Audit
from gateway.journal.sqlite.bodies import Bodies
from gateway.journal.sqlite.contents import Contents
from gateway.journal.sqlite.guard import Guard
from gateway.journal.sqlite.lines import Lines
from gateway.journal.sqlite.looking import Looking
from gateway.journal.sqlite.marker import ERA, Era
from gateway.journal.sqlite.moving import Moving
from gateway.journal.sqlite.notes import Notes
from gateway.journal.sqlite.opening import Damaged, open_file
from gateway.journal.sqlite.session import Session
from gateway.journal.sqlite.space import Space


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
        try:
            self._bodies = bodies = Bodies(self._connection, path)
        except BaseException:
            self._connection.close()
            raise
        self._space = Space(
            self._connection, bodies, path, max_bytes=max_bytes, min_free_bytes=min_free_bytes
        )
        self._session = session = Session(self._connection)
        self._lines = Lines(self._connection)
        self.written = self._connection.total_changes
        self._written_before = 0
        self.notes = Notes(session)
        self.audit = Audit(session)
        self.looking = Looking(session, bodies)
        parts = (self._space, self._lines, Contents(session, bodies), self.looking)
        self.accepting = Accepting(session, *parts, bodies)
        self.moving = Moving(session, *parts)

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
        self._session.execute("BEGIN IMMEDIATE")
        self._written_before = self.written()
        self._space.look()

    @property
    def is_laden(self) -> bool:
        """See ``writer.Book``."""
        return self._bodies.has_enough_to_read

    def prepare(self) -> bool:
        """See ``writer.Book``."""
        self._session.write_counters()
        return self._bodies.waits_for_disk or self.written() != self._written_before

    def commit(self) -> None:
        """See ``writer.Book``."""
        self._bodies.sync()
        self._session.execute("COMMIT")
        self._bodies.keep()
        self._lines.keep()

    def rollback(self) -> None:
        """See ``writer.Book``."""
        self._session.counted.clear()
        self._lines.undo()
        self._bodies.undo()
        if self._connection.in_transaction:
            self._session.execute("ROLLBACK")

    def make_room(self) -> bool:
        """See ``writer.Book``."""
        return self._space.give_up_reserve()

    def needs_upkeep(self) -> bool:
        """See ``writer.Book``."""
        return self._space.is_short or self._space.should_write_back()

    def tidy(self) -> None:
        """See ``writer.Book``."""
        if self._space.checkpoint():
            self._guard.written_back(accepted=self._session.accepted())
        if self._space.is_short:
            self._bodies.cut()

    def close(self, *, trusted: bool) -> None:
        """See ``writer.Book``."""
        try:
            if trusted:
                self._guard.closing(accepted=self._session.accepted())
                self._space.empty_log()
            else:
                self._guard.broken()
        finally:
            self._connection.close()
            self._bodies.close()

    # -- eras ------------------------------------------------------------------------------------

    def begin_era(self, *, now: float) -> int:
        """All that an opening has to settle, durable when it returns. How many are in doubt now."""
        self.begin()
        in_doubt = self.recover(now=now)
        self.prepare()
        self.commit()
        self.guard()
        return in_doubt

    def recover(self, *, now: float) -> int:
        """Begin an era. After a crash what was sending is in doubt; in an older journal, all."""
        found = Era.parse(self.notes.recall(ERA))
        older = self._guard.judge(found, accepted=self._session.accepted())
        self.notes.remember(ERA, str(self._guard.next_era(found)))
        for seq in self._bodies.outside():
            self._bodies.disown(seq)
            self.moving.lose(seq, now=now)
        interrupted = self.moving.doubt_interrupted(now=now)
        if older is None:
            return interrupted
        waiting = self.moving.doubt_all(now=now)
        self.notes.remember(damage.RESTORED, damage.restored(older.why))
        if older.missing:
            self.notes.add_damage(damage.missing(older.missing, older.why))
        return waiting

    def guard(self) -> None:
        """The era's beginning is durable: from now on less than this is noticed."""
        era = Era.parse(self.notes.recall(ERA))
        if era is not None:
            self._guard.begun(era, accepted=self._session.accepted())

    # -- figures ---------------------------------------------------------------------------------

    def totals(self) -> Totals:
        """From the counters; those of this transaction among them."""
        counters = self._session.counters()
        oldest = [
            self._session.one("SELECT min(accepted_at) FROM enrollment WHERE status = ?", status)
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
