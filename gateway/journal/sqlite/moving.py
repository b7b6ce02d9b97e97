"""Moves of enrollments: intents and outcomes of attempts, decisions of people, what a crash means.

Which move is allowed is decided in ``journal.moves``; the SQL only carries it out.
"""

from gateway.core.lifecycle import FINAL, UNDELIVERED, Status
from gateway.journal import moves
from gateway.journal.contract import Change, JournalFull, Kept
from gateway.journal.moves import Phase, Standing
from gateway.journal.sqlite import order, rows
from gateway.journal.sqlite.contents import Contents
from gateway.journal.sqlite.lines import Lines
from gateway.journal.sqlite.looking import Looking
from gateway.journal.sqlite.session import Session
from gateway.journal.sqlite.space import Space

_MOVE = """
UPDATE enrollment SET status = ?, phase = ?, next_attempt_at = ?, settled_at = ?, reason = ?
WHERE seq = ?"""
_BEGIN = """
UPDATE enrollment SET status = ?, phase = ?, next_attempt_at = ?, settled_at = ?, reason = ?,
    attempts = attempts + 1, last_attempt_at = ? WHERE seq = ?"""
_STANDS = "SELECT seq, ordering, station, status FROM enrollment WHERE id = ?"
_FORGOTTEN = """
SELECT seq, status FROM enrollment WHERE phase = 'done' AND settled_at < ?
ORDER BY settled_at, seq LIMIT ?"""


class Moving:
    """Used inside a transaction."""

    def __init__(
        self, session: Session, space: Space, lines: Lines, contents: Contents, looking: Looking
    ) -> None:
        self._session = session
        self._space = space
        self._lines = lines
        self._contents = contents
        self._looking = looking

    def begin(self, enrollment_id: str, *, now: float, whole: bool) -> Kept | None:
        """Write the intent, and load it; ``whole``: with its body."""
        row = self._looking.claim(enrollment_id, whole=whole)
        if row is None:
            return None
        seq, phase, status, reason, *_ = row
        before = rows.STATUSES[status]
        if not moves.may_begin(before, rows.PHASES[phase]):
            return None
        if not self._space.has_room_for_an_attempt():
            raise JournalFull("the disk is full: no attempt begins whose outcome could not be kept")
        to = moves.begun(reason)
        self._session.execute(_BEGIN, (*to, now, seq))
        self._session.count_move(before, to.status)
        return self._looking.begun(enrollment_id, row, to, at=now)

    def change(self, enrollment_id: str, change: Change, *, now: float) -> bool:
        """Move it; erase the body of what is final, and free the next in its order."""
        row = self._session.one(_STANDS, enrollment_id)
        if row is None:
            return False
        seq, ordering, station, status = row
        before = rows.STATUSES[status]
        head = None if ordering is None else order.head(self._session, ordering)
        held = head is not None and head.seq != seq
        to = moves.changed(before, change, now=now, held=held)
        if to is None:
            return False
        self._move(seq, before, to)
        self._lines.moved(station, waited=before in UNDELIVERED, waits=to.status in UNDELIVERED)
        if to.phase is Phase.DONE:
            self._contents.erase_body(seq, change.answer)
            if ordering is not None:
                self._release(ordering, now=now)
            return True
        if moves.requeues(before, to.status):
            self._session.execute("UPDATE enrollment SET requeued_at = ? WHERE seq = ?", (now, seq))
        if change.answer is not None:
            self._contents.answered(seq, change.answer)
        return True

    def forget(self, *, settled_before: float, limit: int) -> int:
        """Delete what has been final long enough."""
        found = self._session.execute(_FORGOTTEN, (settled_before, limit)).fetchall()
        with self._session.overwriting():  # keys and names stood there
            for seq, status in found:
                self._contents.forget(seq)
                self._session.execute("DELETE FROM enrollment WHERE seq = ?", (seq,))
                self._session.counted[status] -= 1
                self._session.counted[f"forgotten_{status}"] += 1
        return len(found)

    def doubt_interrupted(self, *, now: float) -> int:
        """After a crash what was sending is in doubt. How many that are."""
        sending = self._session.execute(
            "SELECT seq FROM enrollment WHERE status = 'sending'"
        ).fetchall()
        for (seq,) in sending:
            self._move(seq, Status.SENDING, moves.crashed(now=now))
        return len(sending)

    def doubt_all(self, *, now: float) -> int:
        """In an older journal, what waits may have been sent since. How many wait."""
        waiting = self._session.execute(
            "SELECT seq, status, phase FROM enrollment WHERE status IN ('pending', 'in_doubt')"
        ).fetchall()
        for seq, status, phase in waiting:
            self._move(seq, Status(status), moves.restored(Phase(phase), now=now))
            self._session.execute(
                "UPDATE enrollment SET last_attempt_at = ? WHERE seq = ?", (now, seq)
            )
        return len(waiting)

    def lose(self, seq: int, *, now: float) -> None:
        """The body of one is gone: a person must know, and its station send it again."""
        row = self._session.one("SELECT status, station FROM enrollment WHERE seq = ?", seq)
        if row is None or Status(row[0]) in FINAL:
            return
        status, station = Status(row[0]), row[1]
        self._move(seq, status, moves.lost(now=now))
        self._lines.moved(station, waited=status in UNDELIVERED, waits=False)

    def _move(self, seq: int, before: Status, to: Standing) -> None:
        self._session.execute(_MOVE, (*to, seq))
        self._session.count_move(before, to.status)

    def _release(self, ordering: bytes, *, now: float) -> None:
        head = order.head(self._session, ordering)
        if head is not None and head.phase is Phase.HELD:
            self._move(head.seq, head.status, moves.released(head.status, head.reason, now=now))
