"""Taking in: many enrollments in one statement, each unless its identity is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, TypeAlias

from gateway.core.lifecycle import Status
from gateway.journal import moves
from gateway.journal.contract import Accepted, Entry, Existing, JournalFault, JournalFull
from gateway.journal.moves import Standing
from gateway.journal.postgres import lines, rows
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
SELECT {rows.KEPT}, e.identity FROM enrollment e JOIN content c ON c.id = e.id
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


async def accept(session: Session, offers: Sequence[Offer], *, max_bytes: int) -> list[Taken]:
    """Keep them in this order; an answer for each."""
    taken: list[Taken] = []
    for in_line, group in groupby(offers, key=lambda offer: offer.entry.ordering is not None):
        if in_line:
            # One after the other: whether the second waits depends on the first.
            for offer in group:
                taken += await _keep(session, [offer], max_bytes=max_bytes)
        else:
            taken += await _keep(session, list(group), max_bytes=max_bytes)
    return taken


async def _keep(session: Session, offers: Sequence[Offer], *, max_bytes: int) -> list[Taken]:
    room = max_bytes - await session.used()
    fits: list[tuple[Offer, Standing]] = []
    for offer in offers:
        if offer.stored <= room:
            room -= offer.stored
            fits.append((offer, await _begins(session, offer)))
    new: set[str] = set()
    if fits:
        new = {str(row[0]) for row in await session.connection.fetch(_INSERT, *_columns(fits))}
    answers: dict[str, Taken] = {}
    for offer, begins in fits:
        if offer.entry.id in new and offer.entry.id not in answers:
            answers[offer.entry.id] = Accepted(begins.status, offer.entry.rank)
            session.counted["accepted"] += 1
            session.counted[begins.status] += 1
            session.counted["bytes"] += offer.stored
            session.changed += 1
            session.waiting |= begins.phase is moves.Phase.READY
    known = {}
    if len(answers) < len(offers):
        known = await _known(session, [offer.entry.identity for offer in offers])
    taken: list[Taken] = []
    for offer in offers:
        answer = answers.pop(offer.entry.id, None)
        taken.append(answer or _second(session, offer, known))
    return taken


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


def _columns(fits: Sequence[tuple[Offer, Standing]]) -> tuple[list[Any], ...]:
    table = []
    for offer, begins in fits:
        entry = offer.entry
        started = begins.status is Status.SENDING
        table.append(
            (
                entry.id,
                entry.identity,
                entry.fingerprint,
                entry.ordering,
                entry.station,
                begins.status.value,
                begins.phase.value,
                entry.priority,
                entry.rank,
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
        )
    return tuple(list(column) for column in zip(*table, strict=True))


async def _known(session: Session, identities: Sequence[bytes]) -> dict[bytes, Existing]:
    found = await session.connection.fetch(_KNOWN, list(identities))
    return {row[-1]: Existing(rows.kept(row[:-1])) for row in found}


def _second(session: Session, offer: Offer, known: dict[bytes, Existing]) -> Taken:
    """What to say of one that was not inserted now."""
    existing = known.get(offer.entry.identity)
    if existing is None:
        return JournalFull(FULL)
    session.be_sure()
    life = existing.kept.life
    if session.again and life.id == offer.entry.id:
        # Committed before, without an answer. If its intent still stands, it is ours to send.
        ours = life.status is Status.SENDING and life.attempts == 1 and session.may_deliver()
        return Accepted(Status.SENDING if ours else Status.PENDING, offer.entry.rank)
    return existing
