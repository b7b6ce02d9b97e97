"""Is a journal on PostgreSQL whole: do its figures agree, and does every sealed part open?

It sees one moment of the journal, however long it takes, and holds nobody up: gateways may go on.
"""

from collections import Counter
from typing import Any, Final

from gateway.core.lifecycle import FINAL, UNDELIVERED, Status
from gateway.journal import chain, damage
from gateway.journal.keyring import MARK, KeyRing
from gateway.journal.postgres import audit, notes, reading, rows
from gateway.journal.postgres.accepting import ROW_BYTES
from gateway.journal.postgres.offline import connected
from gateway.journal.postgres.session import Session
from gateway.journal.progress import Progress
from gateway.journal.sealing import Sealer
from gateway.journal.verifying import EVERY, Verified, check_mark

_PREFETCH: Final = 100
_ALL_RECORDS: Final = 2**31
_ALL: Final = f"""
SELECT {rows.WHOLE}, c.id IS NULL FROM enrollment e LEFT JOIN content c ON c.id = e.id
LEFT JOIN body b ON b.id = e.id ORDER BY e.seq"""  # noqa: S608 - constants


async def verify(
    url: str, ring: KeyRing, *, progress: Progress, acknowledge: bool = False
) -> Verified:
    """Look at all of it.

    Args:
        url: the journal's.
        ring: its keys.
        progress: told now and then.
        acknowledge: let the gateways no longer tell of what was lost without an id.

    Raises:
        KeyRingFault: these are not its keys.
        JournalFault: see ``offline.connected``.
    """
    async with connected(url) as session:
        check_mark(await notes.recall(session, MARK), ring)
        if acknowledge:
            await session.connection.execute("DELETE FROM note WHERE name = $1", damage.NOTE)
        async with session.connection.transaction(isolation="repeatable_read", readonly=True):
            return await _look(session, Sealer(ring), progress)


async def _look(session: Session, sealer: Sealer, progress: Progress) -> Verified:
    found = Verified()
    totals = await reading.totals(session)
    found.by_status = {str(status): count for status, count in totals.by_status.items()}
    total = sum(totals.by_status.values())
    seen: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    stored = number = 0
    async for row in session.connection.cursor(_ALL, prefetch=_PREFETCH):
        number += 1
        kept, status = rows.kept(row[:-1]), Status(row[2])
        seen[status] += 1
        waiting[kept.life.station] += status in UNDELIVERED
        if row[-1]:
            found.broken.append(f"{status}: the content of {kept.life.id} is lost")
        elif kept.body is None and status not in FINAL:
            found.broken.append(f"{status}: the body of {kept.life.id} is lost")
        else:
            parts = (kept.envelope, kept.body, kept.answer)
            stored += ROW_BYTES + sum(len(part.data) for part in parts if part is not None)
            found.open(sealer, kept)
        if number % EVERY == 0 or number == total:
            progress(number, total)
    counted = {**found.by_status, "bytes": await session.figures.bytes()}
    rows_say = {**{str(status): seen[status] for status in Status}, "bytes": stored}
    found.broken += _differences("the sum of", counted, rows_say)
    lines = await session.connection.fetch(
        "SELECT name, sum(waiting)::BIGINT FROM station GROUP BY name"
    )
    found.broken += _differences("the line of", dict(map(tuple, lines)), waiting)
    records = await audit.latest(session, limit=_ALL_RECORDS, before=None)
    found.audit = chain.check(reversed(records))
    noted = await notes.recall(session, damage.NOTE)
    found.damage = noted.split("\n") if noted else []
    return found


def _differences(what: str, counted: dict[str, int], seen: dict[str, int] | Any) -> list[str]:  # noqa: ANN401 - or a Counter
    return [
        f"{what} {name} is {counted.get(name, 0)}, but the rows say {seen.get(name, 0)}"
        for name in sorted({*counted, *seen})
        if counted.get(name, 0) != seen.get(name, 0)
    ]
