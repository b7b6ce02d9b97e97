"""A request as far as its head tells, read and checked before its body is.

Must not know whether what it asks for can be granted.
"""

from collections.abc import Sequence
from functools import lru_cache

from gateway.core.enrollment import DEFAULT_PRIORITY, Headers
from gateway.core.idempotency import KeyInvalid, parse_key
from gateway.core.preferences import parse_prefer, parse_priority
from gateway.core.problems import ProblemType
from gateway.core.record import dataclass
from gateway.core.routes import Route
from gateway.intake.connection import StationConnection
from gateway.intake.head import Head
from gateway.intake.replies import Refused
from gateway.intake.request import Request
from gateway.observe.tracing import Span


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the head asks for.

    Attributes:
        key: the idempotency key without quotes; None: none was given.
        key_as_given: the header's value as it came.
        hold_seconds: how long the station will wait at most; 0: not at all.
        applied: ``Preference-Applied`` of a 202 that grants what was preferred.
    """

    key: str | None
    key_as_given: str | None
    ordering_key: str | None
    priority: int
    hold_seconds: float
    applied: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One enrollment at the door.

    Attributes:
        request: its body among it.
        head: what it says.
        connection: tells when the station goes away.
        station: its name.
        target: path and query, found safe.
        headers: those that go on to the upstream, the idempotency key not among them.
        wishes: what it asks for.
        span: its trace; None: there is none.
    """

    request: Request
    head: Head
    connection: StationConnection
    station: str
    target: str
    headers: Headers
    wishes: Wishes
    span: Span | None


def read_wishes(head: Head, route: Route, *, hold_seconds: float, key_required: bool) -> Wishes:
    """Read them.

    Args:
        head: what it says.
        route: may bring a hold and a priority of its own.
        hold_seconds: the usual hold.
        key_required: refuse a request without a key.

    Raises:
        Refused: ``idempotency-key-required``, ``idempotency-key-invalid``, or ``bad-request``
            for an ordering key that is none.
    """
    said = head.said
    key = key_as_given = None
    if "idempotency-key" in said:
        key_as_given = said["idempotency-key"][0]
        key = _key(said["idempotency-key"])
    elif key_required:
        raise Refused(ProblemType.IDEMPOTENCY_KEY_REQUIRED)
    hold = hold_seconds if route.hold_seconds is None else route.hold_seconds
    applied = ""
    if "prefer" in said:
        hold, applied = _hold(hold, *said["prefer"])
    priority = DEFAULT_PRIORITY if route.priority is None else route.priority
    if "priority" in said and (asked := parse_priority(said["priority"])) is not None:
        priority = asked
    ordering_key = _ordering_key(said["ordering-key"]) if "ordering-key" in said else None
    return Wishes(key, key_as_given, ordering_key, priority, hold, applied)


def _key(given: Sequence[str]) -> str:
    try:
        (only,) = given
        return parse_key(only)
    except (KeyInvalid, ValueError):
        raise Refused(ProblemType.IDEMPOTENCY_KEY_INVALID) from None


def _ordering_key(given: Sequence[str]) -> str:
    """Of the same form as an idempotency key."""
    try:
        (only,) = given
        return parse_key(only)
    except (KeyInvalid, ValueError):
        raise Refused(ProblemType.BAD_REQUEST, reason="ordering-key") from None


@lru_cache(maxsize=64)
def _hold(longest: float, *prefer: str) -> tuple[float, str]:
    """Seconds to hold, and which preferences that grants (RFC 7240, section 3).

    Nearly all stations prefer the same.
    """
    preferences = parse_prefer(prefer)
    granted = []
    if preferences.respond_async:
        granted.append("respond-async")
    if preferences.wait is not None and preferences.wait <= longest:
        granted.append(f"wait={preferences.wait}")
    if preferences.at_once:
        return 0.0, ", ".join(granted)
    wait = longest if preferences.wait is None else min(float(preferences.wait), longest)
    return wait, ", ".join(granted)
