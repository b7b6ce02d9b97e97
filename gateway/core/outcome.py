"""Classify one attempt: what was seen on the wire -> what it means for the enrollment.

The one question is: may the server have recorded it? Only a refusal (429, 503 and their like) or
a connection that never stood proves that it has not. Whatever broke after the first byte is in
doubt, however likely the failure seems.
"""

import email.utils
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final, TypeAlias

from gateway.core.enrollment import Answer
from gateway.core.record import dataclass


class Outcome(StrEnum):
    """What an attempt came to. The names are labels of ``attempts_total``."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    IN_DOUBT = "in_doubt"


class Credential(StrEnum):
    """Whose ``Authorization`` the attempt carried: it decides what a 401 says about whom."""

    NONE = "none"
    GATEWAY = "gateway"
    STATION = "station"


@dataclass(frozen=True, slots=True)
class NotConnected:
    """No byte of the request left: ``cause`` is ``refused``, ``timeout``, ``dns`` or ``tls``."""

    cause: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Bytes left and no clean answer came.

    ``cause`` is ``timeout``, ``reset``, ``eof`` or ``malformed``.
    """

    cause: str


Exchange: TypeAlias = Answer | NotConnected | Broken


@dataclass(frozen=True, slots=True)
class Finding:
    """An attempt, understood.

    Attributes:
        outcome: what it came to.
        cause: one short word for logs and lists: ``http-503``, ``timeout``, ``dns`` …
        answer: the server's answer where it is the station's to see (delivered, rejected).
        retry_after: seconds the server asked for, clamped to five minutes.
        ghost: the server may still be at work on it, so its slot stays taken for a while.
        whole: the fault hits every enrollment alike (TLS, DNS, our credential): pause, alarm.
    """

    outcome: Outcome
    cause: str
    answer: Answer | None = field(default=None, repr=False)
    retry_after: float | None = None
    ghost: bool = False
    whole: bool = False


RETRY_AFTER_MAX: Final = 300.0
_REFUSALS: Final = frozenset({408, 421, 425, 429, 503})
_CREDENTIAL: Final = frozenset({401, 403, 407})
_WHOLE_CAUSES: Final = frozenset({"dns", "tls"})


def classify(
    exchange: Exchange,
    *,
    credential: Credential,
    now: float,
    recorded_statuses: frozenset[int] = frozenset(),
) -> Finding:
    """What ``exchange`` means.

    Args:
        exchange: a complete answer, or how the attempt failed.
        credential: whose credential it carried.
        now: wall seconds, for a ``Retry-After`` that is a date.
        recorded_statuses: statuses with which this server says "already recorded" for our key.
    """
    match exchange:
        case NotConnected(cause):
            return Finding(Outcome.NOT_SENT, cause, whole=cause in _WHOLE_CAUSES)
        case Broken(cause):
            return Finding(Outcome.IN_DOUBT, cause, ghost=True)
        case Answer(status=status):
            return _classify_answer(exchange, status, credential, now, recorded_statuses)


def _classify_answer(
    answer: Answer,
    status: int,
    credential: Credential,
    now: float,
    recorded_statuses: frozenset[int],
) -> Finding:
    cause = f"http-{status}"
    if 200 <= status < 300 or status in recorded_statuses:
        return Finding(Outcome.DELIVERED, cause, answer)
    if status in _CREDENTIAL and credential is not Credential.STATION:
        return Finding(Outcome.REFUSED, cause, whole=True)
    if status in _REFUSALS:
        names = {name.lower(): value for name, value in answer.headers}
        return Finding(Outcome.REFUSED, cause, retry_after=retry_after(names, now=now))
    if status >= 500:
        return Finding(Outcome.IN_DOUBT, cause)
    return Finding(Outcome.REJECTED, cause, answer)


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds to wait by ``Retry-After`` (RFC 9110, section 10.2.3), 0 to 300; None if unusable.

    Args:
        headers: names in lower case.
        now: wall seconds, against which a date is read.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:12]), RETRY_AFTER_MAX)
    try:
        moment = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(moment - now, 0.0), RETRY_AFTER_MAX)
