"""What the in-memory journal holds, twice: as of now, and as of the last commit.

Must not know who waits for a commit, or what a write is for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.core.lifecycle import FINAL, Status
from gateway.journal.contract import AuditRecord, JournalBroken
from gateway.journal.memory.rows import Row


@dataclass(slots=True)
class State:
    """All that a journal holds. Everything else is an index and can be made from it."""

    accepted: int = 0
    rows: dict[str, Row] = field(default_factory=dict)
    forgotten: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(FINAL, 0))
    texts: dict[str, str] = field(default_factory=dict)
    audit: list[AuditRecord] = field(default_factory=list)

    def copy(self) -> "State":
        """Another one with the same content."""
        return State(
            accepted=self.accepted,
            rows=self.rows.copy(),
            forgotten=self.forgotten.copy(),
            texts=self.texts.copy(),
            audit=self.audit.copy(),
        )

    def put(self, row: Row) -> None:
        """Keep a row, new or changed."""
        self.accepted = max(self.accepted, row.seq)
        self.rows[row.life.id] = row

    def drop(self, row: Row) -> None:
        """Forget a final row."""
        del self.rows[row.life.id]
        self.forgotten[row.life.status] += 1


Write: TypeAlias = Callable[[State], None]


class Committed:
    """A state whose writes are applied at once, and to the disk's copy when they are committed.

    Args:
        commit: awaited once for each group of writes; when it returns, they are durable.
    """

    def __init__(self, commit: Callable[[], Awaitable[None]]) -> None:
        self._commit = commit
        self._disk = State()
        self._epoch = 0

    def _begin(self) -> None:
        """Start from what was committed."""
        self._state = self._disk.copy()
        self._log: list[Write] = []
        self._written = self._durable = 0
        self._committing = asyncio.Lock()

    def _lose(self) -> None:
        """What is not committed is gone; whoever waits is told."""
        self._epoch += 1

    def _write(self, write: Write) -> None:
        write(self._state)
        self._log.append(write)
        self._written += 1

    async def _committed(self) -> None:
        """Wait until all that was written so far is durable.

        The first to come commits for all who came until then; those who came during a commit
        share the next one.
        """
        epoch, seen = self._epoch, self._written
        if self._durable >= seen:
            return
        async with self._committing:
            if self._epoch == epoch and self._durable < seen:
                gathered = self._written
                await self._commit()
                if self._epoch == epoch:
                    self._apply(gathered - self._durable)
        if self._epoch != epoch:
            raise JournalBroken("the journal crashed before this was durable")

    def _apply(self, count: int) -> None:
        for write in self._log[:count]:
            write(self._disk)
        del self._log[:count]
        self._durable += count
