"""What a station sent, and what the server answered: immutable.

Must not know where it is kept or how it travels.
"""

from dataclasses import field
from typing import TypeAlias

from gateway.core.record import dataclass

Headers: TypeAlias = tuple[tuple[str, str], ...]

Body: TypeAlias = bytes | bytearray | memoryview
"""A request's: it lies wherever it was read, or opened."""

DEFAULT_PRIORITY = 3  # of 0 (most urgent) to 7, as in RFC 9218


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One state-changing request, as it will be sent to the upstream.

    Attributes:
        id: the receipt id, a UUIDv7 in its usual text form.
        station: who sent it; the name of a station, or ``anonymous``.
        key: the idempotency key without quotes, given by the station or derived from the request.
        method: upper-case HTTP method.
        target: path and query exactly as received.
        headers: end-to-end headers to forward, in order, the idempotency key among them.
        body: the bytes as received, never parsed, never decoded; None where memory has them no
            more: they were sealed as they came, and nobody waits.
        content_sha256: hex digest of the body.
        accepted_at: wall time in seconds.
        priority: 0 (most urgent) to 7, RFC 9218.
        ordering_key: enrollments of one station with the same key go one at a time, in order.
        fingerprint: HMAC of what makes two requests the same; its answer is sealed with it.
    """

    id: str
    station: str
    key: str
    method: str
    target: str
    headers: Headers = field(repr=False)
    body: Body | None = field(repr=False)
    content_sha256: str
    accepted_at: float
    priority: int = DEFAULT_PRIORITY
    ordering_key: str | None = field(default=None, repr=False)
    fingerprint: bytes = field(default=b"", repr=False)

    def __repr__(self) -> str:
        """Only what may stand in a log: no key, path, header or body."""
        size = "sealed" if self.body is None else f"{len(self.body)} bytes"
        return f"<Enrollment {self.id} {self.method} {size}>"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of the upstream: what the station gets, now or when it asks again."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
