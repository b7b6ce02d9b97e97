"""Entries as intake would hand them in, with made-up ciphertext."""

from gateway.core.enrollment import DEFAULT_PRIORITY
from gateway.core.lifecycle import Status
from gateway.journal.contract import AuditRecord, Change, Entry, Journal, Sealed

ANSWER = Sealed(b"answer-key", b"answer-data")


def entry(
    number: int,
    *,
    rank: float | None = None,
    line: str | None = None,
    identity: str | None = None,
    accepted_at: float | None = None,
    size: int = 100,
) -> Entry:
    """Enrollment ``number``: accepted at that second and ranked by it, unless told otherwise.

    Its priority is the default one: with another, its rank would not be the second.
    """
    return Entry(
        id=f"0197d5a2-0000-7000-8000-{number:012d}",
        station=f"station-{number % 3}",
        identity=(identity or f"identity-{number}").encode(),
        fingerprint=f"fingerprint-{number}".encode(),
        ordering=None if line is None else line.encode(),
        priority=DEFAULT_PRIORITY,
        rank=float(number if rank is None else rank),
        accepted_at=float(number if accepted_at is None else accepted_at),
        size=size,
        envelope=Sealed(f"envelope-key-{number}".encode(), b"envelope"),
        body=Sealed(f"body-key-{number:08}".encode(), bytes([number % 251]) * size),
    )


def to(status: Status, *, at: float | None = None, was: Status | None = None) -> Change:
    """A change to ``status``; ``at``: when it is due again."""
    answer = ANSWER if status in {Status.DELIVERED, Status.REJECTED} else None
    return Change(status, f"now-{status}", at, answer, was)


async def once(journal: Journal, was: str | None, becomes: str) -> AuditRecord | None:
    """An act that is noted under ``seen``."""
    return await journal.audit_once(
        *("ana", "station added", "mauk-1", ""), note="seen", was=was, becomes=becomes, now=3.0
    )


DELIVERED = to(Status.DELIVERED)
CANCELLED = to(Status.CANCELLED)
DEAD = to(Status.DEAD_LETTER)
