"""What to do with an enrollment at the door: hold | accept now | refuse.

Theory: a station that waits for the server's own answer is worth holding only while that answer
can come within the hold. A server known to be down, or paused, cannot give it: the station gets
its receipt at once. Nothing that can be promised is ever refused; only a journal or a memory
without room refuses, with the time after which it is worth another try.
"""

import math
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from gateway.core.facts import UpstreamState
from gateway.core.record import dataclass

REACHABLE: Final = frozenset({UpstreamState.SLOW_START, UpstreamState.STEADY})
"""The states in which new enrollments are being delivered at all, not just a canary."""


class Changed(NamedTuple):
    """A change of the ``state`` or of the ``window``, when (wall seconds) and why."""

    at: float
    what: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class UpstreamView:
    """What is thought of the upstream, for people.

    Attributes:
        state: open, slow start, steady or paused.
        since: wall seconds of the last change of state.
        reason: why it is so, in a few words.
        window: attempts that may be outstanding.
        outstanding: attempts under way, ghosts not among them.
        ghosts: attempts that were cut off, at which the server may still be at work.
        by: the gateway that delivers, where several share one journal; else None.
        changes: the latest of state and window, the newest first.
    """

    state: UpstreamState
    since: float
    reason: str
    window: int
    outstanding: int
    ghosts: int
    by: str | None = None
    changes: tuple[Changed, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What delivery can say about the near future.

    Attributes:
        state: what is thought of the upstream.
        window: attempts that may be outstanding.
        outstanding: attempts that are, ghosts included.
        waiting: undelivered enrollments, live ones included, that have no slot yet.
        live_waiting: those of them whose station still waits.
        rate: deliveries per second, measured; 0 when nothing is known.
        next_canary_in: seconds until the next try while open; None otherwise.
        here: this gateway delivers; False: it takes in, and another delivers.
    """

    state: UpstreamState
    window: int
    outstanding: int
    waiting: int
    live_waiting: int
    rate: float
    next_canary_in: float | None = None
    here: bool = True

    @property
    def reachable(self) -> bool:
        """Whether new enrollments are being delivered at all."""
        return self.state in REACHABLE

    @property
    def drain_seconds(self) -> float | None:
        """Seconds until what waits now is delivered; None: nothing is known."""
        return self.seconds_for(self.waiting)

    def seconds_for(self, waiting: int) -> float | None:
        """Seconds in which so many are delivered; None: nothing is known."""
        if waiting == 0:
            return 0.0
        if self.rate <= 0.0 or self.state not in REACHABLE:
            return None
        return waiting / self.rate


class Refusal(StrEnum):
    """Why no promise is possible. The names are those of the problem types."""

    JOURNAL_FULL = "journal-full"
    JOURNAL_UNAVAILABLE = "journal-unavailable"
    OVERLOADED = "overloaded"


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait up to ``seconds`` for the server's own answer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AcceptNow:
    """Answer 202 as soon as the enrollment is durable; ``poll_after`` seconds is honest advice."""

    poll_after: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing is accepted; worth another try after ``retry_after`` seconds."""

    reason: Refusal
    retry_after: int


Admission: TypeAlias = Hold | AcceptNow | Refuse

# A look at a receipt is cheap, so an estimate that proves too long must not keep a station waiting.
POLL_LEAST, POLL_MOST = 1, 30


def admit(outlook: Outlook, *, hold_seconds: float, respond_async: bool) -> Admission:
    """How to treat an enrollment for which there is room.

    Args:
        outlook: delivery's view of the near future.
        hold_seconds: the longest this station will be held, its ``wait`` preference included.
        respond_async: the station prefers a receipt to an answer.
    """
    if respond_async or hold_seconds <= 0.0 or not outlook.reachable:
        return AcceptNow(poll_after(outlook))
    # Live enrollments have half of the window and the newest goes first, so what counts for a
    # newcomer is not the backlog but whether the server answers at all within the hold.
    if outlook.rate > 0.0 and outlook.live_waiting / outlook.rate > hold_seconds:
        return AcceptNow(poll_after(outlook))
    return Hold(hold_seconds)


def poll_after(outlook: Outlook) -> int:
    """Seconds after which a receipt is worth a look: the ``Retry-After`` of a 202."""
    drain = outlook.seconds_for(outlook.waiting)
    if drain is None:
        drain = outlook.next_canary_in if outlook.next_canary_in is not None else 5.0
    return POLL_MOST if drain >= POLL_MOST else max(math.ceil(drain), POLL_LEAST)
