"""Finds the in-memory journal's rows by what the contract asks for. It follows the rows' changes.

Must not know durability.
"""

import heapq
import itertools
from collections.abc import Iterable
from typing import TypeAlias

from gateway.core.lifecycle import UNDELIVERED, Status
from gateway.core.rank import handicap
from gateway.core.shares import Line, Shares
from gateway.journal.memory.rows import Row
from gateway.journal.moves import Phase

Ticket: TypeAlias = tuple[float, int, int, str, Row | None]
"""Key, seq, a number that no other ticket has, id, and the row that must not have changed."""


class Index:
    """Finds rows by what the contract asks for. Tickets of rows that moved on are dropped late."""

    def __init__(self, rows: dict[str, Row]) -> None:
        self._rows = rows
        self._numbers = itertools.count()
        self._ready: list[Ticket] = []
        self._later: list[Ticket] = []
        self._oldest: list[Ticket] = []
        self._settled: list[Ticket] = []
        self._lines: dict[bytes, dict[int, str]] = {}
        self.identities: dict[bytes, str] = {}
        self.by_status: dict[Status, int] = dict.fromkeys(Status, 0)
        self.used = 0
        self.shares = Shares()
        for row in rows.values():
            self.note(row, before=None)
            self._count_in(row)

    def note(self, row: Row, *, before: Row | None) -> None:
        """A row is new (``before`` is None) or took the place of ``before``."""
        life = row.life
        if before is not None:
            self._count_move(before.life.status, life.status, life.station)
            self.by_status[before.life.status] -= 1
            self.used -= before.stored
        self.by_status[life.status] += 1
        self.used += row.stored
        self.identities[row.identity] = life.id
        if before is None or before.life.status not in UNDELIVERED:
            self._push(self._oldest, life.accepted_at, row, same=False)
        if row.phase is Phase.READY:
            self._push(self._ready, row.rank, row)
        elif row.phase is Phase.LATER and life.next_attempt_at is not None:
            self._push(self._later, life.next_attempt_at, row)
        elif row.phase is Phase.DONE and life.settled_at is not None:
            self._push(self._settled, life.settled_at, row)
        if row.ordering is not None:
            line = self._lines.setdefault(row.ordering, {})
            line[row.seq] = life.id
            if row.phase is Phase.DONE:
                del line[row.seq]
            if not line:
                del self._lines[row.ordering]

    def _count_move(self, before: Status, after: Status, station: str) -> None:
        if before in UNDELIVERED and after not in UNDELIVERED:
            self.shares.leave(station)
        elif after in UNDELIVERED and before not in UNDELIVERED:
            self.shares.come_back(station)

    def _count_in(self, row: Row) -> None:
        """A row that was there before this index: it is in its station's line."""
        line = self.shares.line(row.life.station)
        if row.life.status in UNDELIVERED:
            last = max(line.last, row.rank - handicap(row.life.priority))
            line = Line(line.waiting + 1, last)
        self.shares.put(row.life.station, line)

    def forget(self, row: Row) -> None:
        """A final row is gone."""
        del self.identities[row.identity]
        self.by_status[row.life.status] -= 1
        self.used -= row.stored

    def head(self, ordering: bytes) -> Row | None:
        """The first enrollment with this ordering key that is not final."""
        line = self._lines.get(ordering)
        return self._rows[next(iter(line.values()))] if line else None

    def due(self, *, now: float, limit: int) -> tuple[list[Row], float | None]:
        """The due rows by rank, and the contract's ``next_due_at``."""
        while (row := self._first(self._later)) is not None and self._later[0][0] <= now:
            heapq.heappop(self._later)
            self._push(self._ready, row.rank, row)
        page: list[Row] = []
        while (row := self._first(self._ready)) is not None and len(page) < limit:
            heapq.heappop(self._ready)
            page.append(row)
        more = row is not None
        for each in page:
            self._push(self._ready, each.rank, each)
        if more:
            return page, now
        return page, self._later[0][0] if self._later else None

    def oldest_undelivered_at(self) -> float | None:
        """When the oldest undelivered row was accepted."""
        while self._oldest:
            accepted_at, _, _, enrollment_id, _ = self._oldest[0]
            row = self._rows.get(enrollment_id)
            if row is not None and row.life.status in UNDELIVERED:
                return accepted_at
            heapq.heappop(self._oldest)
        return None

    def settled_before(self, moment: float, *, limit: int) -> Iterable[Row]:
        """Takes out the final rows settled before, longest settled first."""
        for _ in range(limit):
            row = self._first(self._settled)
            if row is None or self._settled[0][0] >= moment:
                return
            heapq.heappop(self._settled)
            yield row

    def _push(self, heap: list[Ticket], key: float, row: Row, *, same: bool = True) -> None:
        ticket = (key, row.seq, next(self._numbers), row.life.id, row if same else None)
        heapq.heappush(heap, ticket)

    def _first(self, heap: list[Ticket]) -> Row | None:
        """The first row of ``heap`` that has not changed since it was put there."""
        while heap:
            *_, enrollment_id, row = heap[0]
            if row is not None and self._rows.get(enrollment_id) is row:
                return row
            heapq.heappop(heap)
        return None
