"""The audit: one chain for all gateways."""

from dataclasses import dataclass
from typing import Final

from gateway.journal.chain import linked
from gateway.journal.contract import AuditRecord
from gateway.journal.postgres import notes, rows
from gateway.journal.postgres.session import Session

# A row of ``line`` that is no HMAC of an ordering key: those have 32 bytes.
_AUDIT_LOCK: Final = b"audit"


@dataclass(frozen=True, slots=True)
class Noted:
    """A text that an act changes: its name, what it was, what it becomes."""

    name: str
    was: str | None
    becomes: str


async def add(session: Session, record: AuditRecord, token: str) -> AuditRecord:
    """Add a record behind the last one, by one gateway at a time; its number and link are made."""
    known = await _in_turn(session, token)
    return known or await _add(session, record, token)


async def add_once(
    session: Session, record: AuditRecord, token: str, noted: Noted
) -> AuditRecord | None:
    """As ``add``, and the note changes with it; None where it is not what it was."""
    known = await _in_turn(session, token)
    if known is not None:
        return known
    if await notes.recall(session, noted.name) != noted.was:
        session.be_sure()
        return None
    await notes.remember(session, noted.name, noted.becomes)
    return await _add(session, record, token)


async def _in_turn(session: Session, token: str) -> AuditRecord | None:
    """Wait for our turn; the record that this call made before, if it did."""
    await session.connection.execute(
        "INSERT INTO line AS l (ordering, locked) VALUES ($1, 1)"
        " ON CONFLICT (ordering) DO UPDATE SET locked = l.locked + 1",
        _AUDIT_LOCK,
    )
    if not session.again:
        return None
    known = await session.connection.fetchrow(
        f"SELECT {rows.AUDIT} FROM audit WHERE token = $1",  # noqa: S608 - constants
        token,
    )
    if known is None:
        return None
    session.be_sure()
    return rows.audit(known)


async def _add(session: Session, record: AuditRecord, token: str) -> AuditRecord:
    last = await latest(session, limit=1, before=None)
    made = linked(last[0] if last else None, record)
    await session.connection.execute(
        f"INSERT INTO audit ({rows.AUDIT}, token) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",  # noqa: S608 - constants
        *(made.seq, made.at, made.actor, made.action, made.subject, made.detail, made.link),
        token,
    )
    session.changed += 1
    return made


async def latest(session: Session, *, limit: int, before: int | None) -> tuple[AuditRecord, ...]:
    """The newest first."""
    found = await session.connection.fetch(
        f"SELECT {rows.AUDIT} FROM audit WHERE $1::BIGINT IS NULL OR seq < $1"  # noqa: S608 - constants
        " ORDER BY seq DESC LIMIT $2",
        before,
        limit,
    )
    return tuple(rows.audit(row) for row in found)
