"""The columns that are read together, and what they become. Rows are asyncpg's records."""

from typing import Any, Final

from gateway.core.lifecycle import Status
from gateway.journal.contract import AuditRecord, Due, Kept, Life, Sealed

LIFE: Final = (
    "e.id, e.station, e.status, e.attempts, e.priority, e.size, e.accepted_at, e.next_attempt_at,"
    " e.last_attempt_at, e.settled_at, e.reason"
)
_LIFE_END: Final = 11
KEPT: Final = f"{LIFE}, e.fingerprint, c.envelope_key, c.envelope, c.answer_key, c.answer"
WHOLE: Final = f"{KEPT}, b.key, b.data"
KEPT_FROM: Final = f"SELECT {KEPT} FROM enrollment e JOIN content c ON c.id = e.id WHERE"  # noqa: S608 - constants
WHOLE_FROM: Final = (
    f"SELECT {WHOLE} FROM enrollment e JOIN content c ON c.id = e.id"  # noqa: S608 - as above
    " LEFT JOIN body b ON b.id = e.id WHERE"
)
DUE: Final = (
    "id, station, status, rank, attempts, accepted_at, last_attempt_at, reason, requeued_at"
)
AUDIT: Final = "seq, at, actor, action, subject, detail, link"


def life(row: Any) -> Life:  # noqa: ANN401 - asyncpg's
    """A row of ``LIFE``."""
    return Life(str(row[0]), row[1], Status(row[2]), *row[3:_LIFE_END])


def kept(row: Any) -> Kept:  # noqa: ANN401 - asyncpg's
    """A row of ``KEPT`` or ``WHOLE``."""
    fingerprint, envelope_key, envelope, answer_key, answer, *body = row[_LIFE_END:]
    return Kept(
        life=life(row),
        fingerprint=fingerprint,
        envelope=Sealed(envelope_key, envelope),
        body=Sealed(body[0], body[1]) if body and body[0] is not None else None,
        answer=None if answer_key is None else Sealed(answer_key, answer),
    )


def due(row: Any) -> Due:  # noqa: ANN401 - asyncpg's
    """A row of ``DUE``."""
    return Due(str(row[0]), row[1], Status(row[2]), *row[3:])


def audit(row: Any) -> AuditRecord:  # noqa: ANN401 - asyncpg's
    """A row of ``AUDIT``."""
    return AuditRecord(*row)
