"""One HTTP request and its answer, without surprises: no redirect, no proxy, no retry."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_SECONDS: Final = 10.0


class Unreachable(Exception):
    """Nobody answers there; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: an HTTP status and a body."""

    status: int
    body: bytes = field(repr=False)


def is_url(text: str) -> bool:
    """Whether ``request`` could ask there."""
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def request(
    method: str, url: str, *, headers: Mapping[str, str], body: str | None = None
) -> Answer:
    """Send it and read the answer.

    Raises:
        Unreachable: no connection, no answer in time, or not HTTP.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, response.read())
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Unreachable(reason) from None
    finally:
        connection.close()
