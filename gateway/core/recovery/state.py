"""What every state of the upstream offers, and the value they answer with.

Must not know the states themselves. They do not know each other either: a move names the next one.
"""

import dataclasses
from typing import Final, Protocol

from gateway.core.facts import UpstreamState
from gateway.core.outcome import Outcome
from gateway.core.record import dataclass
from gateway.core.window import Responses

# Asked several times of each attempt; to look a name up in its enum costs more than to compare.
_DELIVERED: Final = Outcome.DELIVERED
_REJECTED: Final = Outcome.REJECTED


@dataclass(frozen=True, slots=True)
class Sample:
    """How one attempt ended, as far as the limiter cares.

    Attributes:
        outcome: what it came to.
        duration: seconds from its start to its outcome.
        retry_after: seconds the server asked us to wait, clamped by the caller.
        ghost_until: monotonic seconds until which the server may still work on it; it holds its
            slot until then.
    """

    outcome: Outcome
    duration: float
    retry_after: float | None = None
    ghost_until: float | None = None

    @property
    def measures(self) -> bool:
        """Its duration tells how long the server takes."""
        return self.outcome is _DELIVERED

    @property
    def failed(self) -> bool:
        """The server gave no answer to the enrollment: a sign of trouble."""
        outcome = self.outcome
        return outcome is not _DELIVERED and outcome is not _REJECTED


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Another window, and perhaps another state.

    Attributes:
        window: wanted; the limiter keeps it within what is allowed.
        reason: for the facts, in words.
        to: the state to go to; None: stay.
        cliff: the server fell over, or nearly, with so many outstanding.
        base: response times without a queue, for the state to come.
        wait: seconds the server asked us to wait.
        backs_off: it answers failures that are no outage.
    """

    window: int
    reason: str
    to: UpstreamState | None = None
    cliff: int | None = None
    base: Responses | None = None
    wait: float = 0.0
    backs_off: bool = False


class State(Protocol):
    """One state of the upstream. Decides; the limiter keeps the slots."""

    @property
    def name(self) -> UpstreamState:
        """Which state it is."""
        ...

    @property
    def window(self) -> int:
        """How many may be outstanding."""
        ...

    def at_once(self, *, now: float) -> int:
        """How many attempts may run at once right now. Ghosts hold slots of the window beside."""
        ...

    def observe(self, sample: Sample, *, full: bool, running: int, now: float) -> Move | None:
        """Take in an attempt of this state.

        Args:
            sample: how it ended.
            full: more waited than the window let through.
            running: how many others still run.
            now: monotonic seconds.
        """
        ...

    def moved(self, window: int, *, now: float) -> None:
        """The limiter made ``window`` of the last move that stayed in this state."""
        ...

    def next_wakeup(self) -> float | None:
        """When ``at_once`` may grow by time alone (monotonic seconds)."""
        ...
