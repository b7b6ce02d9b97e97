"""The lease's row: look, renew, take over, give back, each in a transaction alone; and lock it.

Must not know what else is in the transaction.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

_LEASE: Final = "delivery"

Connection: TypeAlias = Any
"""asyncpg's, which has no types."""


@dataclass(frozen=True, slots=True)
class Row:
    """The row as it stands after a call.

    Attributes:
        mine: this gateway holds it.
        recovered: it was taken by this call, and so many attempts of the last holder are in doubt.
    """

    mine: bool
    holder: str | None
    epoch: int
    beat: int
    word: str
    recovered: int | None = None


async def look(connection: Connection) -> Row:
    """As another one left it."""
    found = await connection.fetchrow(
        "SELECT holder, epoch, beat, word FROM lease WHERE name = $1", _LEASE
    )
    return Row(mine=False, holder=found[0], epoch=found[1], beat=found[2], word=found[3])


async def renew(connection: Connection, holder: str, epoch: int, word: str) -> Row | None:
    """One more beat; None: it is not this gateway's any more."""
    beat = await connection.fetchval(
        "UPDATE lease SET beat = beat + 1, word = $4"
        " WHERE name = $1 AND holder = $2 AND epoch = $3 RETURNING beat",
        _LEASE,
        holder,
        epoch,
        word,
    )
    return None if beat is None else Row(True, holder, epoch, beat, word)


async def take(connection: Connection, holder: str, seen: Row, word: str) -> Row | None:
    """Take it as it was seen. None: it has moved since, or another one was faster."""
    epoch = await connection.fetchval(
        "UPDATE lease SET holder = $2, epoch = epoch + 1, beat = beat + 1, word = $5"
        " WHERE name = $1 AND epoch = $3 AND beat = $4 RETURNING epoch",
        _LEASE,
        holder,
        seen.epoch,
        seen.beat,
        word,
    )
    return None if epoch is None else Row(True, holder, epoch, seen.beat + 1, word)


async def give_back(connection: Connection, holder: str, epoch: int) -> None:
    """Let anyone take it at once."""
    await connection.execute(
        "UPDATE lease SET holder = NULL, beat = beat + 1"
        " WHERE name = $1 AND holder = $2 AND epoch = $3",
        _LEASE,
        holder,
        epoch,
    )


async def lock(connection: Connection, epoch: int | None) -> bool:
    """Until the end of the transaction nobody else can take it; False: another one has."""
    held = await connection.fetchval(
        "SELECT epoch FROM lease WHERE name = $1 AND epoch = $2 FOR UPDATE", _LEASE, epoch
    )
    return held is not None
