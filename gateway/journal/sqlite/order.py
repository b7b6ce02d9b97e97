"""Enrollments with one ordering key: the first that is not final is the one whose turn it is."""

from typing import NamedTuple

from gateway.core.lifecycle import Status
from gateway.journal.moves import Phase
from gateway.journal.sqlite.session import Session

_HEAD = """
SELECT seq, status, phase, reason FROM enrollment WHERE ordering = ? AND phase <> 'done'
ORDER BY seq LIMIT 1"""


class Head(NamedTuple):
    """The first of its order."""

    seq: int
    status: Status
    phase: Phase
    reason: str | None


def head(session: Session, ordering: bytes) -> Head | None:
    """The one whose turn it is; None: none waits."""
    row = session.one(_HEAD, ordering)
    return None if row is None else Head(row[0], Status(row[1]), Phase(row[2]), row[3])
