"""Lines of enrollments with one ordering key: whose turn it is, over all gateways.

Whoever adds to a line or frees its next locks it first. Without that, two gateways could each
find a line empty, or free nobody where somebody has just come.
"""

from collections.abc import Iterable
from typing import Any

from gateway.core.lifecycle import Status
from gateway.journal import moves
from gateway.journal.moves import Phase
from gateway.journal.postgres.session import Session


async def lock(session: Session, orderings: Iterable[bytes]) -> None:
    """Lock these lines until the transaction ends; always in the same order."""
    await session.connection.executemany(
        "INSERT INTO line AS l (ordering, locked) VALUES ($1, 1)"
        " ON CONFLICT (ordering) DO UPDATE SET locked = l.locked + 1",
        [(ordering,) for ordering in sorted(set(orderings))],
    )


async def head(session: Session, ordering: bytes) -> Any:  # noqa: ANN401 - asyncpg's
    """The first with this ordering key that is not final: id, phase, reason, status; or None."""
    return await session.connection.fetchrow(
        "SELECT id, phase, reason, status FROM enrollment"
        " WHERE ordering = $1 AND phase <> 'done' ORDER BY seq LIMIT 1",
        ordering,
    )


async def release(session: Session, ordering: bytes, *, now: float) -> None:
    """The one ahead is final: the next may go. A line without anyone is forgotten."""
    first = await head(session, ordering)
    if first is None:
        await session.connection.execute("DELETE FROM line WHERE ordering = $1", ordering)
    elif first[1] == Phase.HELD:
        to = moves.released(Status(first[3]), first[2], now=now)
        await session.connection.execute(
            "UPDATE enrollment SET status = $2, phase = $3, next_attempt_at = $4, settled_at = $5,"
            " reason = $6 WHERE id = $1",
            first[0],
            *to,
        )
        session.waiting = True
