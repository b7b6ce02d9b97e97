"""Work on a journal on PostgreSQL beside its gateways or without them: verify, export, import.

Each takes a session of its own. Must not know the command line.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from asyncpg import exceptions

from gateway.core.lease import LeaseTimes
from gateway.journal.contract import JournalFault, JournalInUse
from gateway.journal.postgres import lease, notes, opening
from gateway.journal.postgres.faults import fault_of
from gateway.journal.postgres.figures import SHARDS
from gateway.journal.postgres.session import Session

_NAME: Final = "journal command"
_LOOK_SECONDS: Final = LeaseTimes().life + 1.0
_AGAIN_SECONDS: Final = 0.25


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Session]:
    """A session with the primary, without a transaction.

    Raises:
        JournalFault: there is none, it would forget what it promises, or holds no journal.
    """
    connection: Any = None
    try:
        try:
            connection = await opening.connect(url, name=_NAME)
        except OSError as error:
            raise fault_of(error) from error
        await opening.how_durable(connection)
        # Reading and writing a file in between takes as long as it takes.
        await connection.execute("SET idle_in_transaction_session_timeout = 0")
        yield Session(connection, shard=secrets.randbelow(SHARDS))
    except exceptions.UndefinedTableError:
        raise JournalFault(
            "there is no journal in this database yet; start a gateway on it once, or see "
            "journal.url"
        ) from None
    except (ConnectionError, exceptions.PostgresError, exceptions.InterfaceError) as error:
        raise fault_of(error) from error
    finally:
        if connection is not None:
            connection.terminate()
            await asyncio.sleep(0)  # it is closed by the loop's next turn


async def check_alone(session: Session, *, seconds: float | None = None) -> None:
    """Look whether a gateway delivers from it: one that runs renews its turn every second.

    Args:
        session: without a transaction.
        seconds: to wait for a sign of one that has the turn; None: a little more than it lasts.

    Raises:
        JournalInUse: one does.
    """
    first = await lease.look(session.connection)
    if first.holder is None:
        return
    deadline = time.monotonic() + (_LOOK_SECONDS if seconds is None else seconds)
    while time.monotonic() < deadline:
        await asyncio.sleep(_AGAIN_SECONDS)
        now = await lease.look(session.connection)
        if now.holder is None:
            return
        if (first.epoch, first.beat) != (now.epoch, now.beat):
            raise JournalInUse(f"the gateway {now.holder} delivers from this journal")


class Notes:
    """What the journal remembers, for ``keyring.bind``, within the session's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def recall(self, name: str) -> str | None:
        """See the contract."""
        return await notes.recall(self._session, name)

    async def remember(self, name: str, value: str) -> None:
        """See the contract."""
        await notes.remember(self._session, name, value)
