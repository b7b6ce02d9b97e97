"""Taking in: many enrollments in one statement, each unless its identity is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, TypeAlias

from gateway.core.lifecycle import Status
from gateway.journal import moves
from gateway.journal.contract import Accepted, Entry, Existing, JournalFault, JournalFull
from gateway.journal.moves import Standing
from gateway.journal.postgres import lines, placing, rows
from gateway.journal.postgres.session import Session

ROW_BYTES: Final = 512  # what a row costs beside its sealed parts, about

_INSERT = """
WITH given AS (
    SELECT * FROM unnest($1::UUID[], $2::BYTEA[], $3::BYTEA[], $4::BYTEA[], $5::TEXT[], $6::TEXT[],
        $7::TEXT[], $8::SMALLINT[], $9::DOUBLE PRECISION[], $10::INTEGER[], $11::BIGINT[],
        $12::DOUBLE PRECISION[], $13::DOUBLE PRECISION[], $14::DOUBLE PRECISION[],
        $15::BYTEA[], $16::BYTEA[], $17::BYTEA[], $18::BYTEA[])
    WITH ORDINALITY AS g (id, identity, fingerprint, ordering, station, status, phase, priority,
        rank, attempts, size, accepted_at, next_attempt_at, last_attempt_at,
        envelope_key, envelope, body_key, body, place)
), new AS (
    INSERT INTO enrollment (id, identity, fingerprint, ordering, station, status, phase, priority,
        rank, attempts, size, accepted_at, next_attempt_at, last_attempt_at)
    SELECT id, identity, fingerprint, ordering, station, status, phase, priority,
        rank, attempts, size, accepted_at, next_attempt_at, last_attempt_at
    FROM given ORDER BY place
    ON CONFLICT (identity) DO NOTHING
    RETURNING id
), parts AS (
    INSERT INTO content (id, envelope_key, envelope)
    SELECT given.id, given.envelope_key, given.envelope FROM given JOIN new ON new.id = given.id
), bodies AS (
    INSERT INTO body (id, key, data)
    SELECT given.id, given.body_key, given.body FROM given JOIN new ON new.id = given.id
)
SELECT id FROM new"""

_KNOWN = f"""
SELECT {rows.KEPT}, e.rank, e.identity FROM enrollment e JOIN content c ON c.id = e.id
WHERE e.identity = ANY($1::BYTEA[])"""  # noqa: S608 - constants

FULL: Final = (
    "the journal has no room for another enrollment; it goes on as enrollments are delivered, or "
    "raise journal.max_bytes"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """An enrollment to keep, and whether its first attempt begins with the commit."""

    entry: Entry
    sending: bool

    @property
    def stored(self) -> int:
        """Bytes that it takes, about."""
        return len(self.entry.envelope.data) + len(self.entry.body.data) + ROW_BYTES


Taken: TypeAlias = Accepted | Existing | JournalFault


@dataclass(frozen=True, slots=True)
class Limits:
    """``max_bytes``: of all that is alive. ``stations``: that share the journal, about."""

    max_bytes: int
    stations: int


async def accept(session: Session, offers: Sequence[Offer], limits: Limits) -> list[Taken]:
    """Keep them in this order; an answer for each."""
    taken: list[Taken] = []
    for in_line, group in groupby(offers, key=lambda offer: offer.entry.ordering is not None):
        if in_line:
            # One after the other: whether the second waits depends on the first.
            for offer in group:
                taken += await _keep(session, [offer], limits)
        else:
            taken += await _keep(session, list(group), limits)
    return taken


async def _keep(session: Session, offers: Sequence[Offer], limits: Limits) -> list[Taken]:
    await session.figures.look(offer.entry.station for offer in offers)
    room = limits.max_bytes - await session.figures.bytes()
    fits: list[tuple[Offer, Standing]] = []
    for offer in offers:
        if offer.stored <= room:
            room -= offer.stored
            fits.append((offer, await _begins(session, offer)))
    answers: dict[str, Taken] = {}
    if fits:
        answers = await _insert(session, fits, stations=limits.stations)
    known: dict[bytes, tuple[Existing, float]] = {}
    if len(answers) < len(offers):
        known = await _known(session, [offer.entry.identity for offer in offers])
    taken: list[Taken] = []
    for offer in offers:
        answer = answers.pop(offer.entry.id, None)
        taken.append(answer or _second(session, offer, known))
    return taken


async def _insert(
    session: Session, fits: Sequence[tuple[Offer, Standing]], *, stations: int
) -> dict[str, Taken]:
    """Those that are new, by id."""
    places = await placing.places(session, [offer.entry for offer, _ in fits], stations=stations)
    rows_of = [
        _row(offer, begins, places[offer.entry.id].last - offer.entry.accepted_at)
        for offer, begins in fits
    ]
    columns = [list(column) for column in zip(*rows_of, strict=True)]
    new = {str(row[0]) for row in await session.connection.fetch(_INSERT, *columns)}
    answers: dict[str, Taken] = {}
    for (offer, begins), row in zip(fits, rows_of, strict=True):
        entry = offer.entry
        if entry.id in new and entry.id not in answers:
            answers[entry.id] = Accepted(begins.status, row[_RANK])
            session.figures.join(entry.station, places[entry.id])
            session.counted["accepted"] += 1
            session.counted[begins.status] += 1
            session.counted["bytes"] += offer.stored
            session.changed += 1
            session.waiting |= begins.phase is moves.Phase.READY
    return answers


async def _begins(session: Session, offer: Offer) -> Standing:
    entry = offer.entry
    held = False
    if entry.ordering is not None:
        await lines.lock(session, [entry.ordering])
        held = await lines.head(session, entry.ordering) is not None
    begins = moves.admitted(accepted_at=entry.accepted_at, sending=offer.sending, held=held)
    if begins.status is Status.SENDING and not session.may_deliver():
        begins = moves.admitted(accepted_at=entry.accepted_at, sending=False, held=held)
    return begins


def _row(offer: Offer, begins: Standing, lag: float) -> tuple[Any, ...]:
    entry = offer.entry
    started = begins.status is Status.SENDING
    return (
        entry.id,
        entry.identity,
        entry.fingerprint,
        entry.ordering,
        entry.station,
        begins.status.value,
        begins.phase.value,
        entry.priority,
        entry.rank + lag,
        int(started),
        entry.size,
        entry.accepted_at,
        begins.next_attempt_at,
        entry.accepted_at if started else None,
        entry.envelope.key,
        entry.envelope.data,
        entry.body.key,
        entry.body.data,
    )


_RANK: Final = 8


async def _known(
    session: Session, identities: Sequence[bytes]
) -> dict[bytes, tuple[Existing, float]]:
    """What is known, and its rank."""
    found = await session.connection.fetch(_KNOWN, list(identities))
    return {row[-1]: (Existing(rows.kept(row[:-2])), row[-2]) for row in found}


def _second(session: Session, offer: Offer, known: dict[bytes, tuple[Existing, float]]) -> Taken:
    """What to say of one that was not inserted now."""
    found = known.get(offer.entry.identity)
    if found is None:
        return JournalFull(FULL)
    existing, rank = found
    session.be_sure()
    life = existing.kept.life
    if session.again and life.id == offer.entry.id:
        # Committed before, without an answer. If its intent still stands, it is ours to send.
        ours = life.status is Status.SENDING and life.attempts == 1 and session.may_deliver()
        return Accepted(Status.SENDING if ours else Status.PENDING, rank)
    return existing
