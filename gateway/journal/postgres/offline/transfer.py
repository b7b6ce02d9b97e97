"""Undelivered enrollments of a journal on PostgreSQL to an export and from one.

What is there already is left alone, so the same export may come twice. The export's own form is in
``journal.transfer``.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from gateway.core.lifecycle import UNDELIVERED
from gateway.core.rank import handicap
from gateway.core.shares import Line
from gateway.journal import transfer
from gateway.journal.keyring import MARK, KeyRing, bind
from gateway.journal.moves import Phase, Standing
from gateway.journal.postgres import lines, notes, opening
from gateway.journal.postgres.accepting import ROW_BYTES
from gateway.journal.postgres.offline import Notes, check_alone, connected
from gateway.journal.postgres.session import Session
from gateway.journal.progress import Progress
from gateway.journal.transfer import Exported, Imported

_AT_ONCE: Final = 200
_COLUMNS: Final = ", ".join((*transfer.PLAIN, "identity", "fingerprint", "ordering"))
_SELECT: Final = f"""
SELECT {_COLUMNS}, envelope_key, envelope, key, data
FROM enrollment JOIN content USING (id) LEFT JOIN body USING (id)
WHERE {transfer.LEAVING} ORDER BY seq"""  # noqa: S608 - constants
_KEYS: Final = f"""
SELECT DISTINCT substr(each, 2, 8) FROM (
    SELECT unnest(ARRAY[envelope_key, key]) AS each
    FROM enrollment JOIN content USING (id) LEFT JOIN body USING (id) WHERE {transfer.LEAVING}
) AS keys WHERE octet_length(each) > 0"""  # noqa: S608 - as above
_INSERT: Final = """
WITH given AS (
    SELECT * FROM unnest($1::UUID[], $2::BYTEA[], $3::BYTEA[], $4::BYTEA[], $5::TEXT[], $6::TEXT[],
        $7::TEXT[], $8::SMALLINT[], $9::DOUBLE PRECISION[], $10::INTEGER[], $11::BIGINT[],
        $12::DOUBLE PRECISION[], $13::DOUBLE PRECISION[], $14::DOUBLE PRECISION[],
        $15::DOUBLE PRECISION[], $16::TEXT[],
        $17::BYTEA[], $18::BYTEA[], $19::BYTEA[], $20::BYTEA[])
    WITH ORDINALITY AS g (id, identity, fingerprint, ordering, station, status, phase, priority,
        rank, attempts, size, accepted_at, next_attempt_at, last_attempt_at, settled_at, reason,
        envelope_key, envelope, body_key, body, place)
), new AS (
    INSERT INTO enrollment (id, identity, fingerprint, ordering, station, status, phase, priority,
        rank, attempts, size, accepted_at, next_attempt_at, last_attempt_at, settled_at, reason)
    SELECT id, identity, fingerprint, ordering, station, status, phase, priority,
        rank, attempts, size, accepted_at, next_attempt_at, last_attempt_at, settled_at, reason
    FROM given ORDER BY place
    ON CONFLICT DO NOTHING
    RETURNING id
), parts AS (
    INSERT INTO content (id, envelope_key, envelope)
    SELECT given.id, given.envelope_key, given.envelope FROM given JOIN new ON new.id = given.id
), bodies AS (
    INSERT INTO body (id, key, data) SELECT given.id, given.body_key, given.body
    FROM given JOIN new ON new.id = given.id WHERE given.body IS NOT NULL
)
SELECT id FROM new"""


async def export(url: str, file: Path, *, progress: Progress) -> Exported:
    """Write what is undelivered to a new file, readable by its owner only.

    Raises:
        FileExistsError: it is not replaced.
        JournalInUse: a gateway delivers from it.
        JournalFault: see ``offline.connected``.
    """
    async with connected(url) as session:
        await check_alone(session)
        with transfer.new_file(file) as out:
            async with session.connection.transaction(isolation="repeatable_read", readonly=True):
                total = await session.connection.fetchval(
                    f"SELECT count(*) FROM enrollment WHERE {transfer.LEAVING}"  # noqa: S608 - constants
                )
                used = await session.connection.fetch(_KEYS)
                keys = tuple(sorted(row[0].hex() for row in used))
                mark = await notes.recall(session, MARK)
                transfer.write_head(out, count=total, keyring=mark, keys=keys)
                number = 0
                async for row in session.connection.cursor(_SELECT, prefetch=_AT_ONCE):
                    number += 1
                    transfer.write_row(out, (str(row[0]), *tuple(row)[1:]))
                    progress(number, total)
    return Exported(total, keys)


async def import_(
    url: str, file: Path, ring: KeyRing, *, now: float, progress: Progress
) -> Imported:
    """Take in what an export holds and this journal does not; all of it or nothing.

    Gateways may run meanwhile: the one that delivers finds it when it is committed.

    Raises:
        KeyRingFault: the journal has other keys.
        JournalFault: it is no export, is cut short, needs keys that are not here; or as
            ``offline.connected``. If it is not known whether it was committed: the same again.
    """
    async with connected(url) as session:
        with transfer.incoming(file, ring) as incoming:
            await opening.migrate(session.connection, opening.migrations())
            await session.begin()
            await bind(Notes(session), ring)
            taken = known = 0
            ahead: set[bytes] = set()
            enrollments = iter(incoming)
            while some := list(islice(enrollments, _AT_ONCE)):
                new = await _take(session, some, ahead, now=now)
                taken += new
                known += len(some) - new
                progress(taken + known, incoming.count)
            session.be_sure()
            await session.ready()
            await session.commit()
    return Imported(taken, known)


async def _take(
    session: Session, some: Sequence[dict[str, Any]], ahead: set[bytes], *, now: float
) -> int:
    """Put in those that are new; how many they are.

    Args:
        session: with the transaction.
        some: as the export has them.
        ahead: the ordering keys of those that came before in this transaction.
        now: wall time.
    """
    known = await session.connection.fetch(
        "SELECT id FROM enrollment WHERE id = ANY($1::UUID[])"
        " UNION SELECT g.id FROM unnest($1::UUID[], $2::BYTEA[]) AS g (id, identity)"
        " JOIN enrollment e ON e.identity = g.identity",
        [each["id"] for each in some],
        [each["identity"] for each in some],
    )
    there = {str(row[0]) for row in known}
    coming = [each for each in some if each["id"] not in there]
    standings = [await _standing(session, each, ahead, now=now) for each in coming]
    rows = [_row(each, to, now=now) for each, to in zip(coming, standings, strict=True)]
    if not rows:
        return 0
    columns = [list(column) for column in zip(*rows, strict=True)]
    new = {str(row[0]) for row in await session.connection.fetch(_INSERT, *columns)}
    await session.figures.look(each["station"] for each in coming)
    for each, to in zip(coming, standings, strict=True):
        if each["id"] in new:
            _count(session, each, to)
    return len(new)


async def _standing(
    session: Session, each: dict[str, Any], ahead: set[bytes], *, now: float
) -> Standing:
    ordering: bytes | None = each["ordering"]
    held = False
    if ordering is not None:
        if ordering not in ahead:
            await lines.lock(session, [ordering])
            held = await lines.head(session, ordering) is not None
        held = held or ordering in ahead
        ahead.add(ordering)
    return transfer.standing(each, held=held, now=now)


def _row(each: dict[str, Any], to: Standing, *, now: float) -> tuple[Any, ...]:
    return (
        each["id"],
        each["identity"],
        each["fingerprint"],
        each["ordering"],
        each["station"],
        to.status.value,
        to.phase.value,
        each["priority"],
        each["rank"],
        each["attempts"],
        each["size"],
        each["accepted_at"],
        to.next_attempt_at,
        now,
        to.settled_at,
        to.reason,
        each["envelope_key"] or b"",
        each["envelope"] or b"",
        each["body_key"] or b"",
        each["body"],
    )


def _count(session: Session, each: dict[str, Any], to: Standing) -> None:
    session.counted["accepted"] += 1
    session.counted[to.status] += 1
    parts = (each["envelope"], each["body"])
    session.counted["bytes"] += ROW_BYTES + sum(len(part) for part in parts if part is not None)
    if to.status in UNDELIVERED:
        line = session.figures.line(each["station"])
        counts_as = each["rank"] - handicap(each["priority"])
        session.figures.join(each["station"], Line(line.waiting + 1, max(line.last, counts_as)))
    session.changed += 1
    session.waiting |= to.phase is Phase.READY
