"""Enrollments as intake would hand them to a journal, with random bytes for ciphertext."""

import secrets
import time
from typing import Final

from gateway.core.ids import uuid7
from gateway.core.lifecycle import Status
from gateway.journal.contract import Change, Entry, Sealed

DELIVERED: Final = Change(Status.DELIVERED, "http-201", answer=Sealed(bytes(61), bytes(300)))
_rng = secrets.SystemRandom()


def entry(size: int, *, rank: float | None = None, station: str = "36.03.01-1") -> Entry:
    """A new enrollment with a body of so many bytes."""
    now = time.time()
    return Entry(
        id=uuid7(now=now, rng=_rng),
        station=station,
        identity=secrets.token_bytes(32),
        fingerprint=secrets.token_bytes(32),
        ordering=None,
        priority=3,
        rank=now if rank is None else rank,
        accepted_at=now,
        size=size,
        envelope=Sealed(secrets.token_bytes(61), secrets.token_bytes(600)),
        body=Sealed(secrets.token_bytes(61), secrets.token_bytes(size)),
    )
