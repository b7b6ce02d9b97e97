"""The journal's contract: what every store promises, written once.

A journal keeps enrollments sealed: it sees ciphertext, HMACs and the few plain columns that it
sorts by. It must not know HTTP, the upstream, or why a status changes; the moves that it makes
are those of ``core.lifecycle``.

Promises that hold for every method:

- **Durable when it returns.** A method that changes anything returns after the change would
  survive a power cut. Callers may await several at once: the store gathers them into one commit.
- **In the order called.** Calls take effect in the order in which they were made on the event
  loop, reads among them: a read sees every change that was called before it.
- **All or nothing.** A call whose change is not durable raises ``JournalFault`` and changed
  nothing, or the process ends and the change is as if never asked for.
- **Illegal moves change nothing.** A change asked of an enrollment whose status does not allow it
  is answered with None or False, never with an exception: an operator may have been faster.
- Wall times are seconds since 1970; ``now`` is handed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.core.lifecycle import Status


class JournalFault(Exception):
    """The store could not do what was asked; nothing was promised."""


class JournalFull(JournalFault):
    """No room for another enrollment. It passes when space returns."""


class JournalBroken(JournalFault):
    """The store cannot be trusted any more (an I/O error). The process must end."""


class JournalInUse(JournalFault):
    """Another gateway holds this journal."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext and its wrapped data key. Dropping the key erases the content for good."""

    key: bytes = field(repr=False)
    data: bytes = field(repr=False)


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
        rank: smaller goes first.
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
    envelope: Sealed
    body: Sealed


@dataclass(frozen=True, slots=True)
class Life:
    """Where an enrollment stands.

    Attributes:
        next_attempt_at: wall seconds of the next try; None while sending, held back by its
            ordering key, final or dead.
        last_attempt_at: when the last attempt began, or None.
        settled_at: when it became final or a dead letter, or None.
        reason: short cause of the last change, for people: ``http-503``, ``too-old`` …
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
    """An enrollment as found in the journal. ``body`` and ``answer`` may be erased or not yet."""

    life: Life
    fingerprint: bytes = field(repr=False)
    envelope: Sealed
    body: Sealed | None
    answer: Sealed | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The enrollment is new and durable. ``status``: ``sending`` if asked for and possible."""

    status: Status


@dataclass(frozen=True, slots=True)
class Existing:
    """The identity is known; nothing was changed. ``kept.body`` is None."""

    kept: Kept


@dataclass(frozen=True, slots=True)
class Due:
    """A candidate for an attempt: narrow, no bytes of content."""

    id: str
    station: str
    status: Status
    rank: float
    attempts: int
    accepted_at: float
    last_attempt_at: float | None


@dataclass(frozen=True, slots=True)
class DuePage:
    """What is due, by rank; and when the next one outside this page falls due.

    ``next_due_at``: wall seconds; a time not after ``now`` when the page was cut by its limit;
    None when nothing else waits.
    """

    items: tuple[Due, ...]
    next_due_at: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """What an attempt, a lookup or a person's decision makes of an enrollment.

    Attributes:
        status: the new status.
        reason: short cause, for people.
        next_attempt_at: wall seconds; required for ``pending`` and ``in_doubt``.
        answer: the sealed answer; for ``delivered`` and ``rejected``.
    """

    status: Status
    reason: str
    next_attempt_at: float | None = None
    answer: Sealed | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes: taken by the journal, allowed to it, free on its disk (None: unknown)."""

    used: int
    limit: int
    free: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Counted, not estimated: how many stand at each status, and the oldest not yet delivered.

    ``accepted`` counts every enrollment ever taken in, those already forgotten included;
    ``forgotten`` counts, by final status, those whose retention ended.
    """

    accepted: int
    by_status: dict[Status, int]
    forgotten: dict[Status, int]
    oldest_undelivered_at: float | None


class Journal(Protocol):
    """The durable store of enrollments. The module's docstring holds for every method."""

    durability: str
    """What a receipt may claim: ``fsync`` or ``quorum``; ``memory`` for the reference."""

    async def open(self, *, now: float) -> int:
        """Open, check, migrate; make every ``sending`` row ``in_doubt``, due at ``now``.

        Returns how many became ``in_doubt``. Raises ``JournalInUse`` if another gateway has it,
        ``JournalFault`` if it cannot be opened or fails its check.
        """
        ...

    async def close(self) -> None:
        """Finish what was called before, then close. Idempotent."""
        ...

    async def accept(self, entry: Entry, *, sending: bool) -> Accepted | Existing:
        """Keep a new enrollment, unless its identity is known.

        With ``sending`` the intent of attempt 1 (at ``accepted_at``) is part of the same commit.
        An enrollment behind an undelivered one with the same ``ordering`` becomes ``pending``
        and is not due until that one is final; a dead letter holds those behind it.
        Raises ``JournalFull``.
        """
        ...

    async def find(self, enrollment_id: str) -> Kept | None:
        """The enrollment with this id, without its body."""
        ...

    async def find_identity(self, identity: bytes) -> Kept | None:
        """The enrollment with this identity, without its body."""
        ...

    async def due(self, *, now: float, limit: int) -> DuePage:
        """At most ``limit`` pending or in-doubt enrollments due at ``now``, smallest rank first.

        Cost does not grow with the backlog.
        """
        ...

    async def begin(self, enrollment_id: str, *, now: float) -> Kept | None:
        """Write the intent of the next attempt: ``sending``, attempts + 1, and load it whole.

        None if it may not be sent now (cancelled, final, already sending, gone).
        """
        ...

    async def load(self, enrollment_id: str) -> Kept | None:
        """The enrollment with its body, unchanged."""
        ...

    async def change(self, enrollment_id: str, change: Change, *, now: float) -> bool:
        """Make a change of status. A final one erases the body and frees the next in its order.

        False if the status does not allow it. Never refused for want of space: a reserve is
        kept for it.
        """
        ...

    async def totals(self) -> Totals:
        """The reconciliation's figures, from counters kept in the same commits as the rows."""
        ...

    async def list(
        self,
        *,
        statuses: Sequence[Status] = (),
        accepted_before: float | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> tuple[Life, ...]:
        """Enrollments oldest first, after the id ``after``; no statuses: all of them."""
        ...

    async def usage(self) -> Usage:
        """How full it is."""
        ...

    async def forget(self, *, settled_before: float, limit: int) -> int:
        """Delete at most ``limit`` final enrollments settled before; returns how many."""
        ...

    async def remember(self, name: str, value: str) -> None:
        """Keep a small text under a name: the window's memory, a pause."""
        ...

    async def recall(self, name: str) -> str | None:
        """What was kept under a name."""
        ...
