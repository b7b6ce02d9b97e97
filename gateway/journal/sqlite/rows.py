"""The columns that are read together, and what they become."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from gateway.core.lifecycle import Status
from gateway.journal.aligned import Bytes
from gateway.journal.contract import AuditRecord, Due, Kept, Life, Sealed
from gateway.journal.moves import Phase, Standing

# By its value: the enum's own look-up costs as much as the rest of a row.
STATUSES: Final = {str(status): status for status in Status}
PHASES: Final = {str(phase): phase for phase in Phase}

LIFE: Final = (
    "id, station, status, attempts, priority, size, accepted_at, next_attempt_at,"
    " last_attempt_at, settled_at, reason"
)
_LIFE_END: Final = 11
KEPT: Final = f"{LIFE}, fingerprint, envelope_key, envelope, answer_key, answer"
_KEPT_END: Final = 16
_BODY: Final = "body_key, body, place, length"
WHOLE: Final = f"{KEPT}, {_BODY}"
CLAIMED: Final = (
    "seq, phase, status, reason, station, attempts, priority, size, accepted_at,"
    " fingerprint, envelope_key, envelope, answer_key"
)
ANSWER_KEY, _CLAIMED_END = 12, 13
CLAIMED_WHOLE: Final = f"{CLAIMED}, {_BODY}"
DUE: Final = (
    "id, station, status, rank, attempts, accepted_at, last_attempt_at, reason, requeued_at"
)
AUDIT: Final = "seq, at, actor, action, subject, detail, link"


def life(row: Sequence[Any]) -> Life:
    """A row of ``LIFE``."""
    return Life(row[0], row[1], STATUSES[row[2]], *row[3:_LIFE_END])


def kept(row: Sequence[Any]) -> Kept:
    """A row of ``KEPT``."""
    return _kept(row, None)


def whole(row: Sequence[Any], read: Callable[[int, int], Bytes]) -> Kept:
    """A row of ``WHOLE``. ``read``: as ``Bodies.read``, so the bytes may come later."""
    return _kept(row[:_KEPT_END], _body(row[_KEPT_END:], read))


def begun(
    enrollment_id: str,
    row: Sequence[Any],
    to: Standing,
    *,
    at: float,
    answer: bytes | None,
    read: Callable[[int, int], Bytes],
) -> Kept:
    """What a row of ``CLAIMED``, or ``CLAIMED_WHOLE``, has become by an attempt's intent."""
    _, _, _, _, station, attempts, priority, size, accepted_at, *parts = row[:_CLAIMED_END]
    fingerprint, envelope_key, envelope, answer_key = parts
    life = Life(
        enrollment_id,
        station,
        to.status,
        attempts + 1,
        priority,
        size,
        accepted_at,
        to.next_attempt_at,
        at,
        to.settled_at,
        to.reason,
    )
    return Kept(
        life,
        fingerprint,
        Sealed(envelope_key, envelope),
        _body(row[_CLAIMED_END:], read) if len(row) > _CLAIMED_END else None,
        None if answer_key is None else Sealed(answer_key, answer or b""),
    )


def _body(row: Sequence[Any], read: Callable[[int, int], Bytes]) -> Sealed | None:
    """The columns of ``_BODY``."""
    key, data, place, length = row
    if key is None:
        return None
    if data is None and place is not None:
        return Sealed(key, read(place, length), spare=True)
    return Sealed(key, data or b"")


def _kept(row: Sequence[Any], body: Sealed | None) -> Kept:
    fingerprint, envelope_key, envelope, answer_key, answer = row[_LIFE_END:]
    return Kept(
        life=life(row),
        fingerprint=fingerprint,
        envelope=Sealed(envelope_key, envelope),
        body=body,
        answer=None if answer_key is None else Sealed(answer_key, answer or b""),
    )


def due(row: tuple[Any, ...]) -> Due:
    """A row of ``DUE``."""
    return Due(row[0], row[1], STATUSES[row[2]], *row[3:])


def audit(row: tuple[Any, ...]) -> AuditRecord:
    """A row of ``AUDIT``."""
    return AuditRecord(*row)
