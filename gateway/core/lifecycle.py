"""ONE table: status x event -> status. Every change of an enrollment's life goes through it.

Theory: the life of an enrollment is a small machine. It begins ``pending`` (or ``sending``, when a
slot was free as it came). Only an attempt can make it final, or a person. Whatever may have
reached the server without a clean answer is ``in_doubt``, and never silently ``pending`` again:
a refused or never-sent attempt proves that nothing was recorded, a broken one does not. What waits
in a journal that was restored from an older copy may have been sent since: it is in doubt, too.

Invariants: a final status has no way out; ``sending`` is entered only by an attempt's intent,
which is durable before the attempt's first byte.
"""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where an enrollment stands. The names are those of the public interface."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    DEAD_LETTER = "dead_letter"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What may happen to an enrollment."""

    ATTEMPT_BEGAN = "attempt_began"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    RETRY_LATER = "retry_later"
    DOUBTED = "doubted"
    FOUND_BY_LOOKUP = "found_by_lookup"
    GAVE_UP = "gave_up"
    CRASHED = "crashed"
    RESTORED = "restored"
    REQUEUED = "requeued"
    CANCELLED = "cancelled"


FINAL: Final = frozenset({Status.DELIVERED, Status.REJECTED, Status.CANCELLED})
UNDELIVERED: Final = frozenset({Status.PENDING, Status.SENDING, Status.IN_DOUBT})

TABLE: Final[dict[tuple[Status, Event], Status]] = {
    (Status.PENDING, Event.ATTEMPT_BEGAN): Status.SENDING,
    (Status.PENDING, Event.GAVE_UP): Status.DEAD_LETTER,
    (Status.PENDING, Event.CANCELLED): Status.CANCELLED,
    (Status.PENDING, Event.RESTORED): Status.IN_DOUBT,
    (Status.SENDING, Event.DELIVERED): Status.DELIVERED,
    (Status.SENDING, Event.REJECTED): Status.REJECTED,
    (Status.SENDING, Event.RETRY_LATER): Status.PENDING,
    (Status.SENDING, Event.DOUBTED): Status.IN_DOUBT,
    (Status.SENDING, Event.CRASHED): Status.IN_DOUBT,
    (Status.IN_DOUBT, Event.ATTEMPT_BEGAN): Status.SENDING,
    (Status.IN_DOUBT, Event.FOUND_BY_LOOKUP): Status.DELIVERED,
    (Status.IN_DOUBT, Event.DOUBTED): Status.IN_DOUBT,
    (Status.IN_DOUBT, Event.GAVE_UP): Status.DEAD_LETTER,
    (Status.DEAD_LETTER, Event.REQUEUED): Status.PENDING,
    (Status.DEAD_LETTER, Event.CANCELLED): Status.CANCELLED,
}


class IllegalTransitionError(Exception):
    """An event that the status does not allow; nothing was changed."""

    def __init__(self, status: Status, event: Event) -> None:
        super().__init__(f"an enrollment that is {status} cannot take {event}; nothing was changed")
        self.status = status
        self.event = event


def step(status: Status, event: Event) -> Status:
    """The status after ``event``.

    Raises:
        IllegalTransitionError: the table has no such move.
    """
    try:
        return TABLE[status, event]
    except KeyError:
        raise IllegalTransitionError(status, event) from None


def sources(event: Event) -> frozenset[Status]:
    """Every status from which ``event`` is allowed."""
    return frozenset(status for status, known in TABLE if known is event)
