"""What goes into a journal and what comes out of it: frozen values, no behaviour.

Must not know how any of it is kept. Wall times are seconds since 1970.
"""

from dataclasses import field
from typing import Final

from gateway.core.lifecycle import Status
from gateway.core.record import dataclass
from gateway.journal.aligned import Bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext and its wrapped data key. Dropping the key erases the content for good.

    ``spare``: nobody else has this memory: it may be opened where it is, and is no ciphertext then.
    """

    key: bytes = field(repr=False)
    data: Bytes = field(repr=False)
    spare: bool = field(default=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """An enrollment as it is handed in to be kept.

    Attributes:
        id: receipt id, UUIDv7 text.
        station: the station's name, plain.
        identity: HMAC of station and idempotency key; unique in the journal.
        fingerprint: HMAC of what makes two requests the same.
        ordering: HMAC of station and ordering key, or None.
        priority: 0 to 7, for people; the order of delivery is ``rank``.
        rank: smaller goes first; the journal adds the lag of a station beyond its share.
        accepted_at: wall seconds.
        size: bytes of the plain body.
        envelope: everything but the body; kept until the retention ends.
        body: the body; erased when the enrollment is final.
    """

    id: str
    station: str
    identity: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    ordering: bytes | None = field(repr=False)
    priority: int
    rank: float
    accepted_at: float
    size: int
    envelope: Sealed = field(repr=False)
    body: Sealed = field(repr=False)


@dataclass(frozen=True, slots=True)
class Life:
    """Where an enrollment stands.

    Attributes:
        next_attempt_at: wall seconds of the next try; None while sending, held back by its
            ordering key, final or dead. A new enrollment is due at once: at ``accepted_at``.
        last_attempt_at: when the last attempt began, or None.
        settled_at: when it became final or a dead letter, or None.
        reason: short cause of the last change, for people: ``http-503``, ``too-old`` …; None
            before the first; kept while the next attempt runs.
    """

    id: str
    station: str
    status: Status
    attempts: int
    priority: int
    size: int
    accepted_at: float
    next_attempt_at: float | None
    last_attempt_at: float | None
    settled_at: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """An enrollment as found in the journal.

    ``body`` is None where it was not asked for, or is erased; ``answer`` until there is one.
    """

    life: Life
    fingerprint: bytes = field(repr=False)
    envelope: Sealed = field(repr=False)
    body: Sealed | None = field(repr=False)
    answer: Sealed | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The enrollment is new and durable.

    ``status``: ``sending`` if asked for and possible. ``rank``: where it went in the queue.
    """

    status: Status
    rank: float = field(default=float("-inf"), compare=False)


@dataclass(frozen=True, slots=True)
class Existing:
    """The identity is known; nothing was changed. ``kept.body`` is None."""

    kept: Kept


@dataclass(frozen=True, slots=True)
class Due:
    """A candidate for an attempt: narrow, no bytes of content.

    ``requeued_at``: when it was last changed from ``dead_letter`` to ``pending``, or None.
    """

    id: str
    station: str
    status: Status
    rank: float
    attempts: int
    accepted_at: float
    last_attempt_at: float | None
    reason: str | None = None
    requeued_at: float | None = None


@dataclass(frozen=True, slots=True)
class DuePage:
    """What is due, by rank; and when the next one outside this page falls due.

    ``next_due_at``: wall seconds; a time not after ``now`` when the page was cut by its limit;
    None when nothing else waits.
    """

    items: tuple[Due, ...]
    next_due_at: float | None


_WAITS: Final = frozenset({Status.PENDING, Status.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class Change:
    """What an attempt, a lookup or a person's decision makes of an enrollment.

    Attributes:
        status: the new status.
        reason: short cause, for people.
        next_attempt_at: wall seconds; required for ``pending`` and ``in_doubt``.
        answer: the sealed answer; for ``delivered`` and ``rejected``.
        was: only if it stands at this status; None: at any that allows the change. A person who
            requeues a dead letter must not, a moment too late, end an attempt under way.
    """

    status: Status
    reason: str
    next_attempt_at: float | None = None
    answer: Sealed | None = field(default=None, repr=False)
    was: Status | None = None

    def __post_init__(self) -> None:
        """Refuse a waiting status without a due time: it would never be tried again."""
        if self.next_attempt_at is None and self.status in _WAITS:
            raise ValueError(f"a change to {self.status} needs next_attempt_at")


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes: taken by the journal, allowed to it, free on its disk (None: unknown), to stay free.

    ``used`` counts what is alive: space that erased bodies gave back is used again before the
    file grows, so it is free in this sense although the file keeps its size.
    """

    used: int
    limit: int
    free: int | None
    least_free: int = 0

    @property
    def full(self) -> bool:
        """Whether another enrollment would be refused."""
        return self.used >= self.limit or (self.free is not None and self.free < self.least_free)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counted, not estimated: how many stand at each status, and the oldest not yet delivered.

    ``accepted`` counts every enrollment ever taken in, those already forgotten included;
    ``by_status`` has all seven, and counts what is still kept; ``forgotten`` counts, by final
    status, those whose retention ended. ``accepted`` is the sum of both, always.
    ``oldest_undelivered_at``: the least ``accepted_at`` of what is pending, sending or in doubt.
    """

    accepted: int
    by_status: dict[Status, int]
    forgotten: dict[Status, int]
    oldest_undelivered_at: float | None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """What an operator did.

    Attributes:
        seq: grows by one with each record, from 1.
        at: wall seconds.
        link: follows from the link of the record before and from this one; see ``chain``. Empty:
            the record is older than the chain.
    """

    seq: int
    at: float
    actor: str
    action: str
    subject: str
    detail: str
    link: str = ""
