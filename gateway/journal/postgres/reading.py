"""What is looked up, listed and counted."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from gateway.core.lifecycle import FINAL, UNDELIVERED, Status
from gateway.journal import damage as journal_damage
from gateway.journal.contract import DuePage, Kept, Life, Totals
from gateway.journal.postgres import notes, rows
from gateway.journal.postgres.session import Session

_PROMOTED_AT_ONCE: Final = 1000

_PROMOTE = """
UPDATE enrollment SET phase = 'ready' WHERE id IN (
    SELECT id FROM enrollment WHERE phase = 'later' AND next_attempt_at <= $1
    ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)"""
_DUE = f"SELECT {rows.DUE} FROM enrollment WHERE phase = 'ready' ORDER BY rank, seq LIMIT $1"  # noqa: S608 - constants
_LATER = """
SELECT next_attempt_at FROM enrollment WHERE phase = 'later' ORDER BY next_attempt_at LIMIT 1"""
_LIST = f"""
SELECT e.accepted_at, e.seq, {rows.LIFE} FROM enrollment e
WHERE status = $1 AND accepted_at < $2 AND (accepted_at, seq) > ($3, $4)
ORDER BY accepted_at, seq LIMIT $5"""  # noqa: S608 - as above
_OLDEST = "SELECT least({})".format(
    ", ".join(
        f"(SELECT accepted_at FROM enrollment WHERE status = '{status}'"  # noqa: S608 - constants
        " ORDER BY accepted_at LIMIT 1)"
        for status in sorted(UNDELIVERED)
    )
)


@dataclass(frozen=True, slots=True)
class Filters:
    """See ``contract.Journal.list``."""

    statuses: Sequence[Status]
    accepted_before: float | None
    after: str | None
    limit: int


async def find(session: Session, enrollment_id: str) -> Kept | None:
    """By its id, without the body."""
    row = await session.connection.fetchrow(f"{rows.KEPT_FROM} e.id = $1", enrollment_id)
    return None if row is None else rows.kept(row)


async def find_identity(session: Session, identity: bytes) -> Kept | None:
    """By its identity, without the body."""
    row = await session.connection.fetchrow(f"{rows.KEPT_FROM} e.identity = $1", identity)
    return None if row is None else rows.kept(row)


async def load(session: Session, enrollment_id: str) -> Kept | None:
    """By its id, with the body."""
    row = await session.connection.fetchrow(f"{rows.WHOLE_FROM} e.id = $1", enrollment_id)
    return None if row is None else rows.kept(row)


async def ended(session: Session, ids: Sequence[str]) -> tuple[Kept, ...]:
    """Of these, the ones that came to an end or to a person."""
    found = await session.connection.fetch(
        f"{rows.KEPT_FROM} e.id = ANY($1::UUID[]) AND e.phase IN ('done', 'parked')", list(ids)
    )
    return tuple(rows.kept(row) for row in found)


async def due(session: Session, *, now: float, limit: int) -> DuePage:
    """Pick up what fell due, then read what is ready by rank."""
    later = await session.connection.fetchval(_LATER)
    if later is not None and later <= now:
        await session.connection.execute(_PROMOTE, now, _PROMOTED_AT_ONCE)
        session.changed += 1
        later = await session.connection.fetchval(_LATER)
    found = await session.connection.fetch(_DUE, limit + 1)
    page = tuple(rows.due(row) for row in found[:limit])
    return DuePage(page, now if len(found) > limit else later)


async def list_lives(session: Session, filters: Filters) -> tuple[Life, ...]:
    """Each status has its own part of an index; merge them by age."""
    start: tuple[float, int] = (-1.0, 0)
    if filters.after is not None:
        found = await session.connection.fetchrow(
            "SELECT accepted_at, seq FROM enrollment WHERE id = $1", filters.after
        )
        if found is None:
            return ()
        start = (found[0], found[1])
    before = float("inf") if filters.accepted_before is None else filters.accepted_before
    each: list[Sequence[Any]] = [
        await session.connection.fetch(_LIST, status.value, before, *start, filters.limit)
        for status in dict.fromkeys(filters.statuses or Status)
    ]
    merged = heapq.merge(*each, key=lambda row: (row[0], row[1]))
    return tuple(rows.life(row[2:]) for row in islice(merged, filters.limit))


async def totals(session: Session) -> Totals:
    """From the counters of all gateways; those of this transaction among them."""
    counted = await session.connection.fetch(
        "SELECT name, sum(value)::BIGINT FROM counter GROUP BY name"
    )
    counters = Counter({row[0]: row[1] for row in counted})
    counters.update(session.counted)
    return Totals(
        accepted=counters["accepted"],
        by_status={status: counters[status] for status in Status},
        forgotten={status: counters[f"forgotten_{status}"] for status in FINAL},
        oldest_undelivered_at=await session.connection.fetchval(_OLDEST),
    )


async def damage(session: Session) -> tuple[str, ...]:
    """Quarantined dead letters have an index of their own."""
    found = await session.connection.fetch(
        "SELECT reason, count(*) FROM enrollment"
        " WHERE status = 'dead_letter' AND reason IN ('unreadable', 'lost') GROUP BY reason"
    )
    quarantined = {row[0]: row[1] for row in found}
    return journal_damage.told(quarantined, await notes.recall(session, journal_damage.NOTE))
