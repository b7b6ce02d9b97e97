"""Where sessions come from: connected, durable enough, and on the right tables."""

import asyncio
from collections.abc import Sequence

from gateway.journal.postgres import figures, opening
from gateway.journal.postgres.durability import NotDurable
from gateway.journal.postgres.opening import Migration
from gateway.journal.postgres.session import Session


class Sessions:
    """Makes sessions for one gateway.

    Attributes:
        durability: what a commit meant when it was last looked at: ``fsync`` or ``quorum``.
        refused: the database does not promise enough any more; None: it does.
    """

    def __init__(self, url: str, *, name: str, schema: Sequence[Migration]) -> None:
        """Describe it; see ``PostgresJournal``."""
        self.durability = "fsync"
        self.refused: NotDurable | None = None
        self._url = url
        self._name = name
        self._shard = 0  # until its tables are there
        self._schema = schema

    async def make(self, *, migrate: bool = False) -> Session:
        """Connect to the primary; ``migrate``: make or bring up its tables first.

        Raises:
            NotDurable: a commit there would not be what the URL asks for.
        """
        connection = await opening.connect(self._url, name=self._name)
        try:
            self.durability = await opening.how_durable(connection)
            if migrate:
                await opening.migrate(connection, self._schema)
                self._shard = await figures.own_shard(connection)
            session = Session(connection, shard=self._shard)
            # A restarted server shows what its standbys may not have yet. They take commits in
            # order: once they have this one, they have all before it.
            session.be_sure()
            await session.begin()
            guard = asyncio.get_running_loop().call_later(
                opening.CONNECT_SECONDS, connection.terminate
            )
            try:
                await session.ready()
                await session.commit()
            finally:
                guard.cancel()
        except BaseException:
            connection.terminate()
            raise
        return session

    async def check(self, session: Session) -> None:
        """Look again at what a commit means.

        Raises:
            NotDurable: not enough any more; ``refused`` until a later look finds it mended.
        """
        try:
            self.durability = await opening.how_durable(session.connection)
        except NotDurable as fault:
            self.refused = fault
            raise
        self.refused = None
