"""Finds enrollments: one by its id or identity, what is due by rank, lists by age."""

import heapq
from collections.abc import Sequence
from itertools import islice
from typing import Any

from gateway.core.lifecycle import Status
from gateway.journal.contract import DuePage, Kept, Life
from gateway.journal.moves import Standing
from gateway.journal.sqlite import rows
from gateway.journal.sqlite.bodies import Bodies
from gateway.journal.sqlite.session import Session

_PROMOTED_AT_ONCE = 250  # milliseconds of the event loop

_KEPT = f"SELECT {rows.KEPT} FROM enrollment JOIN sealed USING (seq) WHERE"  # noqa: S608 - constants
_WHOLE = f"SELECT {rows.WHOLE} FROM enrollment JOIN sealed USING (seq) WHERE"  # noqa: S608 - as above
# Without the answer, which one that may begin has not: SQLite then leaves its table out.
_CLAIM = f"SELECT {rows.CLAIMED} FROM enrollment JOIN sealed USING (seq) WHERE id = ?"  # noqa: S608 - as above
_CLAIM_WHOLE = f"SELECT {rows.CLAIMED_WHOLE} FROM enrollment JOIN sealed USING (seq) WHERE id = ?"  # noqa: S608 - as above
_ANSWER = "SELECT answer FROM sealed WHERE seq = ?"
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


class Looking:
    """Used inside a transaction."""

    def __init__(self, session: Session, bodies: Bodies) -> None:
        self._session = session
        self._bodies = bodies

    def find(self, enrollment_id: str) -> Kept | None:
        """By its id, without the body."""
        row = self._session.one(f"{_KEPT} id = ?", enrollment_id)
        return None if row is None else rows.kept(row)

    def find_identity(self, identity: bytes) -> Kept | None:
        """By its identity, without the body."""
        row = self._session.one(f"{_KEPT} identity = ?", identity)
        return None if row is None else rows.kept(row)

    def load(self, enrollment_id: str) -> Kept | None:
        """By its id, with the body."""
        row = self._session.one(f"{_WHOLE} id = ?", enrollment_id)
        return None if row is None else rows.whole(row, self._bodies.read)

    def claim(self, enrollment_id: str, *, whole: bool) -> tuple[Any, ...] | None:
        """A row of ``rows.CLAIMED``; ``whole``: of ``rows.CLAIMED_WHOLE``."""
        return self._session.one(_CLAIM_WHOLE if whole else _CLAIM, enrollment_id)

    def begun(self, enrollment_id: str, row: tuple[Any, ...], to: Standing, *, at: float) -> Kept:
        """What was claimed, as it stands since its intent."""
        seq, answer_key = row[0], row[rows.ANSWER_KEY]
        answer = None
        if answer_key is not None:  # of a dead letter that a person requeued
            found = self._session.one(_ANSWER, seq)
            answer = None if found is None else found[0]
        return rows.begun(enrollment_id, row, to, at=at, answer=answer, read=self._bodies.read)

    def due(self, *, now: float, limit: int) -> DuePage:
        """Pick up what fell due, then read what is ready by rank."""
        later = self._first_later()
        if later is not None and later <= now:
            self._session.execute(_PROMOTE, (now, _PROMOTED_AT_ONCE))
            later = self._first_later()
        found = self._session.execute(_DUE, (limit + 1,)).fetchall()
        page = tuple(rows.due(row) for row in found[:limit])
        return DuePage(page, now if len(found) > limit else later)

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
            found = self._session.one("SELECT accepted_at, seq FROM enrollment WHERE id = ?", after)
            if found is None:
                return ()
            start = (found[0], found[1])
        before = float("inf") if accepted_before is None else accepted_before
        each = [
            self._session.execute(_LIST, (status, before, *start, limit)).fetchall()
            for status in dict.fromkeys(statuses or Status)
        ]
        return tuple(rows.life(row[2:]) for row in islice(heapq.merge(*each), limit))

    def _first_later(self) -> float | None:
        row = self._session.one("SELECT min(next_attempt_at) FROM enrollment WHERE phase = 'later'")
        return None if row is None else row[0]
