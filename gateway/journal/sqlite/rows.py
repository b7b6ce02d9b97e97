"""The columns that are read together, and what they become."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from gateway.core.lifecycle import Status
from gateway.journal.aligned import Bytes
from gateway.journal.contract import AuditRecord, Due, Kept, Life, Sealed
from gateway.journal.moves import Phase

# By its value: the enum's own look-up costs as much as the rest of a row.
STATUSES: Final = {str(status): status for status in Status}
PHASES: Final = {str(phase): phase for phase in Phase}

LIFE: Final = (
    "id, station, status, attempts, priority, size, accepted_at, next_attempt_at,"
    " last_attempt_at, settled_at, reason"
)
_LIFE_END: Final = 11
KEPT: Final = f"{LIFE}, fingerprint, envelope_key, envelope, answer_key, answer"
WHOLE: Final = f"{KEPT}, body_key, body, place, length"
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
    *row_kept, key, data, place, length = row
    if key is None:
        return _kept(row_kept, None)
    if data is None and place is not None:
        data = read(place, length)
    return _kept(row_kept, Sealed(key, data or b""))


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
