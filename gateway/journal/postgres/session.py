"""One connection and the transaction on it: what it has counted, and whether it may deliver.

Which calls run in it is not known here. A transaction is begun, filled, and then either committed
or rolled back; what was counted goes with it.
"""

from typing import Any

from gateway.journal.postgres import lease
from gateway.journal.postgres.figures import Figures


class TurnLost(Exception):
    """Another gateway delivers now: nothing of this transaction may stand."""


class UnsureCommit(Exception):
    """The server gave up waiting for its standbys: on its own disk, and perhaps nowhere else."""


class Session:
    """See the module. ``connection`` is asyncpg's."""

    def __init__(self, connection: Any, *, shard: int) -> None:  # noqa: ANN401 - asyncpg has no types
        self.connection = connection
        self._shard = shard
        self._warned = False
        connection.add_log_listener(self._heard)
        self.reset(epoch=None, again=False)

    def reset(self, *, epoch: int | None, again: bool) -> None:
        """Before a transaction.

        Args:
            epoch: of the lease that this gateway holds, or None.
            again: these calls may have been committed before, without an answer.
        """
        self.epoch = epoch
        self.again = again
        self.figures = Figures(self.connection, shard=self._shard)
        self.counted = self.figures.changed
        self.delivers = False
        self.sure = False
        self.changed = 0
        self.ended: list[str] = []
        self.waiting = False

    async def begin(self) -> None:
        """Start a transaction."""
        await self.connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")

    async def ready(self) -> None:
        """Finish the transaction, all but its commit.

        Raises:
            TurnLost: it holds a move of delivery, and another gateway has the lease.
        """
        await self.figures.write(something=self.sure)
        # Locked until the commit: the lease cannot change hands in between.
        if self.delivers and not await lease.lock(self.connection, self.epoch):
            raise TurnLost

    async def commit(self) -> None:
        """Make it durable.

        Raises:
            UnsureCommit: it may be on one disk only.
        """
        self._warned = False
        await self.connection.execute("COMMIT")
        if self._warned:
            raise UnsureCommit

    async def rollback(self) -> None:
        """Undo it."""
        await self.connection.execute("ROLLBACK")

    def may_deliver(self) -> bool:
        """Whether a move of delivery may be made; the commit then checks that it still may."""
        if self.epoch is None:
            return False
        self.delivers = True
        return True

    def be_sure(self) -> None:
        """What was read is about to be told: write something, so that the commit waits for it.

        Another session's row can be seen before the standbys have it, if the wait of that one was
        broken off. The standbys take commits in order: one that they confirm covers all before.
        """
        self.sure = True

    def _heard(self, _connection: Any, message: Any) -> None:  # noqa: ANN401 - asyncpg's
        """A warning at a commit: the wait for the standbys was broken off."""
        if getattr(message, "severity_en", None) == "WARNING" or message.sqlstate == "01000":
            self._warned = True
