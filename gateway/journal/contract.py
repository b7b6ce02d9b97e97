"""The journal's contract: what every store promises, written once.

A journal keeps enrollments sealed: it sees ciphertext, HMACs and the few plain columns that it
sorts by. It must not know HTTP, the upstream, or why a status changes; the moves that it makes
are those of ``core.lifecycle``.

Promises that hold for every method:

- **Durable when it returns.** A method that changes anything returns after the change would
  survive a power cut. Callers may await several at once: the store gathers them into one commit.
- **In the order called.** Calls take effect in the order in which they were made on the event
  loop, reads among them: a read sees every change that was called before it.
- **A read answers only what is durable.** A read that saw a change returns after that change
  would survive a power cut: nobody is told of an enrollment that a crash could still take back.
- **All or nothing.** A call that raises ``JournalFault`` changed nothing. After ``JournalBroken``
  that is unknown until the journal is opened again; nothing was promised either way.
- **A call once made is made.** A caller that is cancelled while it waits takes nothing back.
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
    """The store cannot be trusted any more (an I/O error). The process must end.

    Every later call raises it too: a sync that failed once is never believed again.
    """


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
    reason: str | None = None


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
        if self.next_attempt_at is None and self.status in {Status.PENDING, Status.IN_DOUBT}:
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


class Journal(Protocol):
    """The durable store of enrollments. The module's docstring holds for every method."""

    durability: str
    """What a receipt may claim: ``fsync`` or ``quorum``; ``memory`` for the reference."""

    async def open(self, *, now: float) -> int:
        """Open, check, migrate; make every ``sending`` row ``in_doubt``, due at ``now``.

        Returns how many became ``in_doubt``. Raises ``JournalInUse`` if another gateway has it,
        ``JournalFault`` if it cannot be opened or fails its check. A closed journal may be
        opened again.
        """
        ...

    async def close(self) -> None:
        """Finish what was called before, then close. Idempotent.

        What is ``sending`` stays so, and is in doubt when opened again. Later calls raise
        ``JournalFault``.
        """
        ...

    async def accept(self, entry: Entry, *, sending: bool) -> Accepted | Existing:
        """Keep a new enrollment, unless its identity is known.

        With ``sending`` the intent of attempt 1 (at ``accepted_at``) is part of the same commit.
        An enrollment behind an undelivered one with the same ``ordering`` becomes ``pending``
        and is not due until that one is final; a dead letter holds those behind it.
        Raises ``JournalFull`` when the limit or the free space does not allow one more; a known
        identity is answered all the same.
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

        Equal ranks go in the order accepted. What fell due once stays due, even if the clock is
        set back. Cost does not grow with the backlog: where thousands fall due at once, one call
        may pick up only the earliest of them, and says so by a ``next_due_at`` not after ``now``.
        """
        ...

    async def begin(self, enrollment_id: str, *, now: float) -> Kept | None:
        """Write the intent of the next attempt: ``sending``, attempts + 1, and load it whole.

        None if it may not be sent now (cancelled, final, already sending, gone, or held back by
        its ordering key). A due time that has not come yet does not prevent it.
        """
        ...

    async def load(self, enrollment_id: str) -> Kept | None:
        """The enrollment with its body, unchanged."""
        ...

    async def change(self, enrollment_id: str, change: Change, *, now: float) -> bool:
        """Make a change of status. A final one erases the body and frees the next in its order.

        The one freed is due at ``now``. False if the status does not allow it, or the id is
        unknown. No limit refuses it: ``accept`` stops early enough to leave space for it.
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
        """Enrollments by ``accepted_at``, oldest first, then in the order accepted.

        Args:
            statuses: only these; none given: all.
            accepted_before: only those accepted before this wall time.
            after: the id that ended the page before; an unknown one yields nothing.
            limit: at most so many.
        """
        ...

    async def usage(self) -> Usage:
        """How full it is."""
        ...

    async def forget(self, *, settled_before: float, limit: int) -> int:
        """Delete at most ``limit`` final enrollments settled before; returns how many.

        Longest settled first. Their identities are free again. A dead letter is never forgotten.
        """
        ...

    async def remember(self, name: str, value: str) -> None:
        """Keep a small text under a name: the window's memory, a pause."""
        ...

    async def recall(self, name: str) -> str | None:
        """What was kept under a name."""
        ...

    async def audit(
        self, actor: str, action: str, subject: str, detail: str, *, now: float
    ) -> AuditRecord:
        """Add to the list of what operators did; the record, linked to the one before.

        Nothing is ever changed or taken from it.
        """
        ...

    async def audit_list(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditRecord, ...]:
        """The newest records first, those with a ``seq`` below ``before`` if given."""
        ...
