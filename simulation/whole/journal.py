"""The in-memory journal, watched: every move is checked against the table of an enrollment's life.

Must not know why a move is made.
"""

import sys
from collections.abc import Awaitable, Callable

from gateway.core.lifecycle import FINAL, TABLE, Status
from gateway.journal.contract import Kept, Life
from gateway.journal.memory import MemoryJournal
from gateway.journal.memory.rows import Row
from gateway.journal.moves import Phase

_LEGAL = {(before, after) for (before, _), after in TABLE.items()} | {
    (status, status)
    for status in Status  # held, then freed: no move in the life
}
_BIRTHS = frozenset({Status.PENDING, Status.SENDING})


class WatchedJournal(MemoryJournal):
    """The reference journal, which tells what stands in it and complains of what may not be."""

    def __init__(
        self,
        *,
        commit: Callable[[], Awaitable[None]],
        applied: Callable[[], None],
        complain: Callable[[str], None],
        max_bytes: int = sys.maxsize,
    ) -> None:
        """Set it up.

        Args:
            commit: awaited before a group of writes is durable.
            applied: called after it is, before anyone is told.
            complain: told what is wrong.
            max_bytes: room for what is kept.
        """
        super().__init__(commit=commit, max_bytes=max_bytes)
        self._on_applied = applied
        self._complain = complain
        self._waiting: dict[str, Row] = {}
        self._held: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether a commit is under way."""
        return self._is_open and self._committing.locked()

    @property
    def in_motion(self) -> int:
        """How many are undelivered, and not held back by one that waits for a person."""
        counts = self._index.by_status
        undelivered = counts[Status.PENDING] + counts[Status.SENDING] + counts[Status.IN_DOUBT]
        return undelivered - len(self._held)

    def standing_at(self, status: Status) -> int:
        """How many."""
        return self._index.by_status[status]

    def waiting(self, *, now: float) -> set[str]:
        """What is due for an attempt that nobody has begun."""
        if not self._is_open:
            return set()
        return {
            enrollment_id
            for enrollment_id, row in self._waiting.items()
            if row.phase is Phase.READY or (row.life.next_attempt_at or 0.0) <= now
        }

    def durable(self, enrollment_id: str) -> Life | None:
        """What a power cut at this moment would leave of it."""
        row = self._disk.rows.get(enrollment_id)
        return row.life if row is not None else None

    def durable_rows(self) -> list[Kept]:
        """All that a power cut at this moment would leave."""
        return [row.kept(body=False) for row in self._disk.rows.values()]

    def is_its_turn(self, enrollment_id: str) -> bool:
        """Whether everything before it with its ordering key is final."""
        row = self._state.rows[enrollment_id]
        return row.ordering is None or self._index.head(row.ordering) is row

    async def open(self, *, now: float) -> int:
        """See the contract."""
        self._waiting.clear()
        self._held.clear()
        in_doubt = await super().open(now=now)
        for row in self._state.rows.values():
            self._watch(row)
        return in_doubt

    def _put(self, row: Row, *, before: Row | None = None) -> None:
        status, was = row.life.status, before.life.status if before is not None else None
        if status not in _BIRTHS if was is None else (was, status) not in _LEGAL:
            self._complain(f"{row.life.id} went from {was} to {status}: no such move")
        if was in FINAL:
            self._complain(f"{row.life.id} was {was}, which is final, and became {status}")
        super()._put(row, before=before)
        self._watch(row)

    def _watch(self, row: Row) -> None:
        if row.phase in {Phase.READY, Phase.LATER}:
            self._waiting[row.life.id] = row
        else:
            self._waiting.pop(row.life.id, None)
        if row.phase is Phase.HELD:
            self._held.add(row.life.id)
        else:
            self._held.discard(row.life.id)

    def _apply(self, count: int) -> None:
        super()._apply(count)
        self._on_applied()
