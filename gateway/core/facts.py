"""What happened, in the past tense: frozen facts that the rooms publish and observers read.

A fact holds nothing that must not be seen: no key, path, header or body. The answer on an
``EnrollmentSettled`` is for the station that waits, and stays out of every ``repr``. A ``trace_id``
is one of a trace that is kept, 32 hex digits; None where there is none.
"""

from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from typing import TypeAlias

from gateway.core.enrollment import Answer
from gateway.core.lifecycle import Status
from gateway.core.outcome import Outcome
from gateway.core.record import dataclass


class UpstreamState(StrEnum):
    """What the gateway thinks of the recording server."""

    OPEN = "open"
    SLOW_START = "slow_start"
    STEADY = "steady"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class EnrollmentAccepted:
    """An enrollment is durable. ``seconds``: from its last body byte until then."""

    id: str
    station: str
    size: int
    status: Status
    seconds: float
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class DuplicateAbsorbed:
    """A request came again with a key that the journal knows; it became no second enrollment."""

    id: str


class RequestOutcome(StrEnum):
    """How a station's request ended. The names are labels of ``requests_total``."""

    ANSWERED = "answered"
    ACCEPTED = "accepted"
    REPLAYED = "replayed"
    REJECTED = "rejected"
    REFUSED = "refused"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """A station has its answer. ``problem``: the last part of the problem type, if it is one."""

    method: str
    outcome: RequestOutcome
    status: int
    seconds: float
    station: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class JournalCommitted:
    """One group commit: how many changes it made durable, and how long it took in seconds."""

    records: int
    seconds: float


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """The intent is durable; the first byte goes out now."""

    id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """An attempt came to an outcome. ``duration`` in seconds."""

    id: str
    attempt: int
    outcome: Outcome
    cause: str
    duration: float
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class EnrollmentSettled:
    """An attempt's consequence: where the enrollment stands now.

    Published when the outcome is known; a crash before its commit makes the row ``in_doubt``.
    """

    id: str
    status: Status
    reason: str
    answer: Answer | None = field(default=None, repr=False)
    next_attempt_at: float | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class DoubtResolved:
    """It is known now whether the server recorded it. ``by``: resend, lookup or operator."""

    id: str
    by: str


@dataclass(frozen=True, slots=True)
class WindowChanged:
    """How many enrollments may be outstanding at the upstream."""

    before: int
    after: int
    reason: str


@dataclass(frozen=True, slots=True)
class UpstreamStateChanged:
    """The gateway thinks otherwise of the server than before."""

    from_state: UpstreamState
    to_state: UpstreamState
    reason: str


@dataclass(frozen=True, slots=True)
class CliffLearned:
    """The server fell over with this many outstanding."""

    at: int


@dataclass(frozen=True, slots=True)
class JournalRecovered:
    """After a crash: attempts without a recorded end are in doubt."""

    in_doubt: int


@dataclass(frozen=True, slots=True)
class OperatorActed:
    """An act of an operator is durable in the audit, under this number and link.

    The log then knows the chain's head, which the journal alone could not prove.
    """

    seq: int
    link: str
    actor: str
    action: str
    subject: str


@dataclass(frozen=True, slots=True)
class TurnChanged:
    """Of several gateways on one journal, this one delivers from now on, or does not any more."""

    mine: bool
    epoch: int
    holder: str


Fact: TypeAlias = (
    EnrollmentAccepted
    | DuplicateAbsorbed
    | RequestFinished
    | JournalCommitted
    | AttemptStarted
    | AttemptFinished
    | EnrollmentSettled
    | DoubtResolved
    | WindowChanged
    | UpstreamStateChanged
    | CliffLearned
    | JournalRecovered
    | OperatorActed
    | TurnChanged
)

Publish: TypeAlias = Callable[[Fact], None]
