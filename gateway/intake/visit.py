"""A request as far as its head tells, read and checked before its body is.

Must not know whether what it asks for can be granted.
"""

from aiohttp import web
from multidict import CIMultiDictProxy

from gateway.core.enrollment import DEFAULT_PRIORITY, Headers
from gateway.core.idempotency import KeyInvalid, parse_key
from gateway.core.preferences import NO_PREFERENCES, Preferences, parse_prefer, parse_priority
from gateway.core.problems import ProblemType
from gateway.core.record import dataclass
from gateway.core.routes import Route
from gateway.intake.connection import StationConnection
from gateway.intake.replies import Refused
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
        request: aiohttp's, its framing checked.
        connection: tells when the station goes away.
        station: its name.
        target: path and query, found safe.
        headers: those that go on to the upstream, the idempotency key not among them.
        wishes: what it asks for.
        span: its trace, if there is one.
    """

    request: web.BaseRequest
    connection: StationConnection
    station: str
    target: str
    headers: Headers
    wishes: Wishes
    span: Span


def read_wishes(
    request: web.BaseRequest, route: Route, *, hold_seconds: float, key_required: bool
) -> Wishes:
    """Read them.

    Args:
        request: its head.
        route: may bring a hold and a priority of its own.
        hold_seconds: the usual hold.
        key_required: refuse a request without a key.

    Raises:
        Refused: ``idempotency-key-required``, ``idempotency-key-invalid``, or ``bad-request``
            for an ordering key that is none.
    """
    headers = request.headers
    key_as_given, key = _key(headers, key_required=key_required)
    longest = hold_seconds if route.hold_seconds is None else route.hold_seconds
    preferences = parse_prefer(headers.getall("Prefer", ())) if "Prefer" in headers else None
    hold, applied = _hold(preferences or NO_PREFERENCES, longest)
    return Wishes(
        key=key,
        key_as_given=key_as_given,
        ordering_key=_ordering_key(headers) if "Ordering-Key" in headers else None,
        priority=_priority(headers, route),
        hold_seconds=hold,
        applied=applied,
    )


def _key(headers: CIMultiDictProxy[str], *, key_required: bool) -> tuple[str | None, str | None]:
    given = headers.getall("Idempotency-Key", None)
    if given is None:
        if key_required:
            raise Refused(ProblemType.IDEMPOTENCY_KEY_REQUIRED)
        return None, None
    try:
        (only,) = given
        return only, parse_key(only)
    except (KeyInvalid, ValueError):
        raise Refused(ProblemType.IDEMPOTENCY_KEY_INVALID) from None


def _ordering_key(headers: CIMultiDictProxy[str]) -> str:
    """Of the same form as an idempotency key."""
    try:
        (only,) = headers.getall("Ordering-Key")
        return parse_key(only)
    except (KeyInvalid, ValueError):
        raise Refused(ProblemType.BAD_REQUEST, reason="ordering-key") from None


def _priority(headers: CIMultiDictProxy[str], route: Route) -> int:
    asked = parse_priority(headers.getall("Priority")) if "Priority" in headers else None
    if asked is not None:
        return asked
    return DEFAULT_PRIORITY if route.priority is None else route.priority


def _hold(preferences: Preferences, longest: float) -> tuple[float, str]:
    """Seconds to hold, and which preferences that grants (RFC 7240, section 3)."""
    granted = []
    if preferences.respond_async:
        granted.append("respond-async")
    if preferences.wait is not None and preferences.wait <= longest:
        granted.append(f"wait={preferences.wait}")
    if preferences.at_once:
        return 0.0, ", ".join(granted)
    wait = longest if preferences.wait is None else min(float(preferences.wait), longest)
    return wait, ", ".join(granted)
