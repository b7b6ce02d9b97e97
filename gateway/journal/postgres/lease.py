"""The lease's row: look, renew, take over, give back; each in a transaction alone."""

from dataclasses import dataclass

from gateway.journal import moves
from gateway.journal.postgres.session import LEASE, Session


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


async def look(session: Session) -> Row:
    """As another one left it."""
    found = await session.connection.fetchrow(
        "SELECT holder, epoch, beat, word FROM lease WHERE name = $1", LEASE
    )
    return Row(mine=False, holder=found[0], epoch=found[1], beat=found[2], word=found[3])


async def renew(session: Session, holder: str, epoch: int, word: str) -> Row | None:
    """One more beat; None: it is not this gateway's any more."""
    beat = await session.connection.fetchval(
        "UPDATE lease SET beat = beat + 1, word = $4"
        " WHERE name = $1 AND holder = $2 AND epoch = $3 RETURNING beat",
        LEASE,
        holder,
        epoch,
        word,
    )
    session.changed += 1
    return None if beat is None else Row(True, holder, epoch, beat, word)


async def take(session: Session, holder: str, seen: Row, word: str, *, now: float) -> Row | None:
    """Take it as it was seen, and leave every attempt of the last holder in doubt, due now.

    None: it has moved since, or another one was faster.
    """
    epoch = await session.connection.fetchval(
        "UPDATE lease SET holder = $2, epoch = epoch + 1, beat = beat + 1, word = $5"
        " WHERE name = $1 AND epoch = $3 AND beat = $4 RETURNING epoch",
        LEASE,
        holder,
        seen.epoch,
        seen.beat,
        word,
    )
    if epoch is None:
        return None
    recovered = await recover(session, now=now)
    session.changed += 1
    return Row(True, holder, epoch, seen.beat + 1, word, recovered)


async def recover(session: Session, *, now: float) -> int:
    """What was sending is in doubt; how many."""
    to = moves.crashed(now=now)
    status = await session.connection.execute(
        "UPDATE enrollment SET status = $1, phase = $2, next_attempt_at = $3, settled_at = $4,"
        " reason = $5 WHERE status = 'sending'",
        *to,
    )
    count = int(status.split()[-1])
    session.counted["sending"] -= count
    session.counted[to.status] += count
    return count


async def give_back(session: Session, holder: str, epoch: int) -> None:
    """Let anyone take it at once."""
    await session.connection.execute(
        "UPDATE lease SET holder = NULL, beat = beat + 1"
        " WHERE name = $1 AND holder = $2 AND epoch = $3",
        LEASE,
        holder,
        epoch,
    )
    session.changed += 1
