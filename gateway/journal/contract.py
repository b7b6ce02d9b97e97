"""The journal's contract: what every store promises, written once.

The values that go in and out are in ``records``; who needs the journal imports them from here. A
journal keeps enrollments sealed: it sees ciphertext, HMACs and the few plain columns that it sorts
by. It must not know HTTP, the upstream, or why a status changes; the moves that it makes are those
of ``core.lifecycle``.

Promises that hold for every method:

- **Durable when it returns.** A method that changes anything returns after the change would
  survive a power cut. Callers may await several at once: the store gathers them into one commit.
- **In the order called.** Calls take effect in the order in which they were made on the event
  loop, reads among them: a read sees every change that was called before it.
- **A read answers only what is durable.** A read that saw a change returns after that change
  would survive a power cut: nobody is told of an enrollment that a crash could still take back.
- **All or nothing.** A call that raises ``JournalFault`` changed nothing. After ``JournalBroken``
  that is unknown until the journal is opened again; nothing was promised either way.
- **Never silently less.** What was accepted and cannot be read any more is kept and listed, as a
  dead letter where its id is known, and ``damage`` tells of it until a person has acted.
- **A call once made is made.** A caller that is cancelled while it waits takes nothing back.
- **Illegal moves change nothing.** A change asked of an enrollment whose status does not allow it
  is answered with None or False, never with an exception: an operator may have been faster.
- Wall times are seconds since 1970; ``now`` is handed in.
"""

from collections.abc import Sequence
from typing import NoReturn, Protocol

from gateway.core.lifecycle import Status
from gateway.journal.records import (
    Accepted,
    AuditRecord,
    Change,
    Due,
    DuePage,
    Entry,
    Existing,
    Kept,
    Life,
    Sealed,
    Totals,
    Usage,
)

__all__ = [
    "Accepted",
    "AuditRecord",
    "Change",
    "Due",
    "DuePage",
    "Entry",
    "Existing",
    "Journal",
    "JournalBroken",
    "JournalFault",
    "JournalFull",
    "JournalInUse",
    "Kept",
    "Life",
    "Sealed",
    "Totals",
    "Usage",
]


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


class Journal(Protocol):
    """The durable store of enrollments. The module's docstring holds for every method."""

    @property
    def durability(self) -> str:
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

    async def until_broken(self) -> NoReturn:
        """Wait until the store cannot be trusted any more, even if nobody calls it; then raise.

        Waits for ever where that cannot happen, and when the journal is closed.

        Raises:
            JournalBroken: the process must end.
        """
        ...

    async def damage(self) -> tuple[str, ...]:
        """What is lost or cannot be read, a sentence each, for operators. Empty: it is whole.

        A quarantined enrollment, a dead letter whose reason is one of ``moves.QUARANTINED``, counts
        until a person cancels it.
        """
        ...

    async def accept(self, entry: Entry, *, sending: bool) -> Accepted | Existing:
        """Keep a new enrollment, unless its identity is known.

        With ``sending`` the intent of attempt 1 (at ``accepted_at``) is part of the same commit.
        An enrollment behind an undelivered one with the same ``ordering`` becomes ``pending``
        and is not due until that one is final; a dead letter holds those behind it.
        Its rank is ``entry.rank`` plus the lag that ``core.shares`` gives its station by what
        the journal holds undelivered, after a restart too. Cost does not grow with the backlog.
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

    async def begin(self, enrollment_id: str, *, now: float, whole: bool = True) -> Kept | None:
        """Write the intent of the next attempt, ``sending`` and attempts + 1, and load it.

        ``whole``: with its body; without, for whom the body is in memory still.
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

    async def audit_once(
        self,
        actor: str,
        action: str,
        subject: str,
        detail: str,
        *,
        note: str,
        was: str | None,
        becomes: str,
        now: float,
    ) -> AuditRecord | None:
        """As ``audit``, and what is kept under ``note`` changes in the same commit.

        None, and nothing changes, where something else than ``was`` is kept there: whoever
        changed it has recorded the act already.
        """
        ...

    async def audit_list(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditRecord, ...]:
        """The newest records first, those with a ``seq`` below ``before`` if given."""
        ...
