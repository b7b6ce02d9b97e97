"""Deletes what has been final long enough."""

from gateway.journal.postgres.accepting import ROW_BYTES
from gateway.journal.postgres.session import Session

_SETTLED = """
SELECT id, status FROM enrollment WHERE phase = 'done' AND settled_at < $1
ORDER BY settled_at, seq LIMIT $2 FOR UPDATE SKIP LOCKED"""


async def forget(session: Session, *, settled_before: float, limit: int) -> int:
    """Delete what has been final long enough; rows that another gateway deletes are left to it."""
    found = await session.connection.fetch(_SETTLED, settled_before, limit)
    ids = [row[0] for row in found]
    if not ids:
        return 0
    sizes = await session.connection.fetch(
        "DELETE FROM content WHERE id = ANY($1::UUID[])"
        " RETURNING octet_length(envelope) + coalesce(octet_length(answer), 0)",
        ids,
    )
    await session.connection.execute("DELETE FROM enrollment WHERE id = ANY($1::UUID[])", ids)
    for row in found:
        session.counted[row[1]] -= 1
        session.counted[f"forgotten_{row[1]}"] += 1
    session.counted["bytes"] -= sum(row[0] for row in sizes) + ROW_BYTES * len(ids)
    session.changed += len(ids)
    return len(ids)
