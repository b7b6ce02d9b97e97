"""Which move a change means, and what it writes: decided once for every store.

Pure. Must not know how rows are kept; every move is one of ``core.lifecycle``'s table.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from gateway.core.decide import UNREADABLE
from gateway.core.lifecycle import FINAL, TABLE, Event, Status
from gateway.journal.contract import Change, Life


class Phase(StrEnum):
    """What delivery has to do with an enrollment: the one thing that ``due`` looks at.

    ``ready``: due. ``later``: waits for its time. ``held``: waits for the one ahead of it with
    the same ordering key. ``sending``: an attempt is out. ``parked``: a dead letter. ``done``:
    final, and out of the way of those behind it.
    """

    READY = "ready"
    LATER = "later"
    HELD = "held"
    SENDING = "sending"
    PARKED = "parked"
    DONE = "done"


class Standing(NamedTuple):
    """The columns of an enrollment that a move writes."""

    status: Status
    phase: Phase
    next_attempt_at: float | None
    settled_at: float | None
    reason: str | None


_NEVER_ASKED: Final = frozenset({Event.ATTEMPT_BEGAN, Event.CRASHED, Event.RESTORED})
MOVES: Final[dict[tuple[Status, Status], Event]] = {
    (before, after): event for (before, event), after in TABLE.items() if event not in _NEVER_ASKED
}
"""The event that a change from one status to another means. No entry: it is not allowed."""

_WAITING: Final = frozenset({Phase.READY, Phase.LATER, Phase.HELD})
LEGAL: Final = frozenset(
    {(status, phase) for status in (Status.PENDING, Status.IN_DOUBT) for phase in _WAITING}
    | {(status, Phase.DONE) for status in FINAL}
    | {(Status.SENDING, Phase.SENDING), (Status.DEAD_LETTER, Phase.PARKED)}
)
"""Every status with each phase that it may be in: anything else in a journal is damage."""

_AT_REST: Final = dict.fromkeys(FINAL, Phase.DONE) | {Status.DEAD_LETTER: Phase.PARKED}
_MAY_BEGIN: Final = frozenset({Phase.READY, Phase.LATER})
_BEGINS: Final = frozenset(status for status, event in TABLE if event is Event.ATTEMPT_BEGAN)
RESTARTED: Final = "gateway-restarted"
OLDER: Final = "journal-restored"
LOST: Final = "lost"
QUARANTINED: Final = frozenset({UNREADABLE, LOST})
"""Reasons of dead letters that cannot be read: a part does not open, or is gone."""


def admitted(*, accepted_at: float, sending: bool, held: bool) -> Standing:
    """How a new enrollment begins. ``held``: an earlier one with its ordering key is not final."""
    if held:
        return Standing(Status.PENDING, Phase.HELD, None, None, None)
    if sending:
        return Standing(Status.SENDING, Phase.SENDING, None, None, None)
    return Standing(Status.PENDING, Phase.READY, accepted_at, None, None)


def may_begin(status: Status, phase: Phase) -> bool:
    """Whether an attempt may begin."""
    return phase in _MAY_BEGIN and status in _BEGINS


def begun(reason: str | None) -> Standing:
    """An attempt's intent."""
    return Standing(Status.SENDING, Phase.SENDING, None, None, reason)


def attempted(life: Life, to: Standing, *, at: float) -> Life:
    """A life after the move that an attempt's intent is."""
    return Life(
        id=life.id,
        station=life.station,
        status=to.status,
        attempts=life.attempts + 1,
        priority=life.priority,
        size=life.size,
        accepted_at=life.accepted_at,
        next_attempt_at=to.next_attempt_at,
        last_attempt_at=at,
        settled_at=to.settled_at,
        reason=to.reason,
    )


def crashed(*, now: float) -> Standing:
    """What an interrupted attempt leaves behind: doubt, to be resolved at once."""
    after = TABLE[Status.SENDING, Event.CRASHED]
    return Standing(after, Phase.READY, now, None, RESTARTED)


def restored(phase: Phase, *, now: float) -> Standing:
    """One that waits in a journal that is older than it should be: it may have been sent since."""
    after = TABLE[Status.PENDING, Event.RESTORED]
    if phase is Phase.HELD:
        return Standing(after, Phase.HELD, None, None, OLDER)
    return Standing(after, Phase.READY, now, None, OLDER)


def lost(*, now: float) -> Standing:
    """One whose body is gone: for a person, who asks its station."""
    return Standing(Status.DEAD_LETTER, Phase.PARKED, None, now, LOST)


def released(status: Status, reason: str | None, *, now: float) -> Standing:
    """One that was held back, now that it is the first with its ordering key."""
    return Standing(status, Phase.READY, now, None, reason)


def requeues(before: Status, after: Status) -> bool:
    """Whether a change between these is a person's requeue: its time is kept."""
    return MOVES.get((before, after)) is Event.REQUEUED


def changed(status: Status, change: Change, *, now: float, held: bool) -> Standing | None:
    """What ``change`` makes of an enrollment that is ``status``; None if that is not allowed."""
    after = change.status
    if (status, after) not in MOVES or (change.was is not None and change.was is not status):
        return None
    resting = _AT_REST.get(after)
    if resting is not None:
        return Standing(after, resting, None, now, change.reason)
    if held:
        return Standing(after, Phase.HELD, None, None, change.reason)
    due_at = change.next_attempt_at
    if due_at is None:  # Change refuses it; said again for those who check types
        raise ValueError(f"a change to {after} needs next_attempt_at")
    phase = Phase.READY if due_at <= now else Phase.LATER
    return Standing(after, phase, due_at, None, change.reason)
