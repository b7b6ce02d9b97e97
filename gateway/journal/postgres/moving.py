"""Moves of enrollments: intents and outcomes of delivery, decisions of people, what a crash means.

Which move is allowed is decided in ``journal.moves``. What delivery does is written only by the
gateway that holds the lease, in a transaction that checks it; what people decide, by any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from gateway.core.lifecycle import UNDELIVERED, Event, Status
from gateway.journal import moves
from gateway.journal.contract import Change, Kept
from gateway.journal.moves import Phase, Standing
from gateway.journal.postgres import lines, rows
from gateway.journal.postgres.session import Session

_BY_PEOPLE: Final = frozenset({Event.REQUEUED, Event.CANCELLED})
_ENDS: Final = frozenset({Phase.DONE, Phase.PARKED})

_CLAIM = f"""
SELECT {rows.WHOLE}, e.phase FROM enrollment e JOIN content c ON c.id = e.id
LEFT JOIN body b ON b.id = e.id AND b.id = ANY($2::UUID[])
WHERE e.id = ANY($1::UUID[]) FOR UPDATE OF e SKIP LOCKED"""  # noqa: S608 - constants
_BEGIN = """
UPDATE enrollment e SET status = g.status, phase = g.phase, next_attempt_at = g.next_attempt_at,
    settled_at = g.settled_at, reason = g.reason, attempts = e.attempts + 1, last_attempt_at = g.at
FROM unnest($1::UUID[], $2::TEXT[], $3::TEXT[], $4::DOUBLE PRECISION[], $5::DOUBLE PRECISION[],
    $6::TEXT[], $7::DOUBLE PRECISION[])
    AS g (id, status, phase, next_attempt_at, settled_at, reason, at)
WHERE e.id = g.id"""
_MOVE = """
UPDATE enrollment e SET status = g.status, phase = g.phase, next_attempt_at = g.next_attempt_at,
    settled_at = g.settled_at, reason = g.reason
FROM unnest($1::UUID[], $2::TEXT[], $3::TEXT[], $4::DOUBLE PRECISION[], $5::DOUBLE PRECISION[],
    $6::TEXT[]) AS g (id, status, phase, next_attempt_at, settled_at, reason)
WHERE e.id = g.id"""
_ANSWER = """
UPDATE content c SET answer_key = g.key, answer = g.answer
FROM unnest($1::UUID[], $2::BYTEA[], $3::BYTEA[]) AS g (id, key, answer) WHERE c.id = g.id"""


@dataclass(frozen=True, slots=True)
class Intent:
    """An attempt about to begin. ``whole``: its body is wanted."""

    id: str
    now: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What an enrollment is to become."""

    id: str
    change: Change
    now: float


async def begin(session: Session, intents: Sequence[Intent]) -> list[Kept | None]:
    """Write the intents of those that may be sent, and load them."""
    if not session.may_deliver():
        return [None] * len(intents)
    # Locked ones are in an operator's hand at this moment: they are not waited for.
    found = await session.connection.fetch(
        _CLAIM,
        [intent.id for intent in intents],
        [intent.id for intent in intents if intent.whole],
    )
    claimed = {str(row[0]): row for row in found}
    begun: list[tuple[Intent, Standing]] = []
    kept: list[Kept | None] = []
    for intent in intents:
        row = claimed.get(intent.id)
        whole = None if row is None else rows.kept(row[:-1])
        if whole is not None and row is not None:
            life = whole.life
            if moves.may_begin(life.status, Phase(row[-1])):
                to = moves.begun(life.reason)
                begun.append((intent, to))
                session.counted[life.status] -= 1
                session.counted[to.status] += 1
                whole = replace(whole, life=moves.attempted(life, to, at=intent.now))
            elif not (session.again and _is_begun(whole, intent)):
                whole = None
        kept.append(whole)
    if begun:
        await session.connection.execute(
            _BEGIN,
            [intent.id for intent, _ in begun],
            *_columns([to for _, to in begun]),
            [intent.now for intent, _ in begun],
        )
        session.changed += len(begun)
    return kept


def _is_begun(whole: Kept, intent: Intent) -> bool:
    """Whether this very intent was committed before, without an answer."""
    life = whole.life
    return life.status is Status.SENDING and life.last_attempt_at == intent.now


async def change(session: Session, decisions: Sequence[Decision]) -> list[bool]:
    """Make the changes that are allowed, each id at most once among them."""
    found = await session.connection.fetch(
        "SELECT id, status, ordering, reason, next_attempt_at, settled_at, station FROM enrollment"
        " WHERE id = ANY($1::UUID[]) ORDER BY id FOR UPDATE",
        [decision.id for decision in decisions],
    )
    standing = {str(row[0]): row for row in found}
    made: list[bool] = []
    for in_line, group in groupby(
        decisions, key=lambda each: _ordering(standing, each) is not None
    ):
        if in_line:
            for decision in group:
                made += await _move(session, [decision], standing)
        else:
            made += await _move(session, list(group), standing)
    return made


def _count_move(session: Session, station: str, *, before: str, after: Status) -> None:
    if before in UNDELIVERED and after not in UNDELIVERED:
        session.figures.leave(station)
    elif after in UNDELIVERED and before not in UNDELIVERED:
        session.figures.come_back(station)


def _ordering(standing: dict[str, Any], decision: Decision) -> bytes | None:
    row = standing.get(decision.id)
    return None if row is None else row["ordering"]


async def _move(
    session: Session, decisions: Sequence[Decision], standing: dict[str, Any]
) -> list[bool]:
    made: list[bool] = []
    moved: list[tuple[Decision, Standing]] = []
    for decision in decisions:
        row = standing.get(decision.id)
        to = None if row is None else await _to(session, decision, row)
        if row is not None and to is not None:
            moved.append((decision, to))
            session.counted[row["status"]] -= 1
            session.counted[to.status] += 1
            _count_move(session, row["station"], before=row["status"], after=to.status)
        made.append(to is not None or (session.again and _is_made(row, decision)))
    if moved:
        await _write(
            session, moved, {each: Status(row["status"]) for each, row in standing.items()}
        )
    for decision, to in moved:
        ordering = standing[decision.id]["ordering"]
        if to.phase is Phase.DONE and ordering is not None:
            await lines.release(session, ordering, now=decision.now)
    return made


async def _to(session: Session, decision: Decision, row: Any) -> Standing | None:  # noqa: ANN401
    before = Status(row["status"])
    held = False
    if row["ordering"] is not None:
        await lines.lock(session, [row["ordering"]])
        first = await lines.head(session, row["ordering"])
        held = first is not None and str(first[0]) != decision.id
    to = moves.changed(before, decision.change, now=decision.now, held=held)
    if to is None:
        return None
    by_people = moves.MOVES[before, to.status] in _BY_PEOPLE
    return to if by_people or session.may_deliver() else None


def _is_made(row: Any, decision: Decision) -> bool:  # noqa: ANN401 - asyncpg's
    """Whether this very change was committed before, without an answer."""
    change = decision.change
    return (
        row is not None
        and row["status"] == change.status
        and row["reason"] == change.reason
        and decision.now == (row["settled_at"] or decision.now)
        and (change.next_attempt_at is None or row["next_attempt_at"] == change.next_attempt_at)
    )


async def _write(
    session: Session, moved: Sequence[tuple[Decision, Standing]], before: Mapping[str, Status]
) -> None:
    ids = [decision.id for decision, _ in moved]
    await session.connection.execute(_MOVE, ids, *_columns([to for _, to in moved]))
    requeued = [
        decision for decision, to in moved if moves.requeues(before[decision.id], to.status)
    ]
    if requeued:
        await session.connection.execute(
            "UPDATE enrollment e SET requeued_at = g.at"
            " FROM unnest($1::UUID[], $2::DOUBLE PRECISION[]) AS g (id, at) WHERE e.id = g.id",
            [decision.id for decision in requeued],
            [decision.now for decision in requeued],
        )
    answered = [
        (decision.id, decision.change.answer)
        for decision, _ in moved
        if decision.change.answer is not None
    ]
    if answered:
        await session.connection.execute(
            _ANSWER,
            [each for each, _ in answered],
            [answer.key for _, answer in answered],
            [answer.data for _, answer in answered],
        )
        session.counted["bytes"] += sum(len(answer.data) for _, answer in answered)
    done = [decision.id for decision, to in moved if to.phase is Phase.DONE]
    if done:
        erased = await session.connection.fetch(
            "DELETE FROM body WHERE id = ANY($1::UUID[]) RETURNING octet_length(data)", done
        )
        session.counted["bytes"] -= sum(row[0] for row in erased)
    session.changed += len(moved)
    session.ended += [decision.id for decision, to in moved if to.phase in _ENDS]
    session.waiting |= any(to.phase is Phase.READY for _, to in moved)


async def recover(session: Session, *, now: float) -> int:
    """The turn was taken: what the last holder was sending is in doubt, due now; how many."""
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


def _columns(standings: Sequence[Standing]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*standings, strict=True))
