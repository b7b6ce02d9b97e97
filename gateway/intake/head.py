"""The head of a request, read in one walk: what it says to the gateway, and what goes on.

Must not know what becomes of the request.
"""

from collections.abc import Mapping, Sequence
from http import HTTPMethod
from typing import Final

from aiohttp import HttpVersion, HttpVersion10, HttpVersion11

from gateway.core.enrollment import Headers
from gateway.core.forwarding import (
    HOP_BY_HOP,
    TargetUnsafe,
    check_target,
    is_host,
    is_text,
    options_of,
)
from gateway.core.problems import ProblemType
from gateway.intake.replies import Refused
from gateway.intake.request import Request

_NOT_SERVED: Final = frozenset({HTTPMethod.CONNECT, HTTPMethod.TRACE})
_UNDERSTOOD: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-digest",
        "content-type",
        "host",
        "idempotency-key",
        "ordering-key",
        "prefer",
        "priority",
        "transfer-encoding",
    }
)
_SPOKEN: Final = (HttpVersion11, HttpVersion10)


class Head:
    """One head, its framing found sound.

    Attributes:
        method: as received.
        version: of HTTP, as received.
        host: the ``Host`` header.
        said: the values of the headers that are understood here, by their names in lower case.
        onward: those that go on where its request is kept, in order.
    """

    __slots__ = ("host", "method", "onward", "said", "version")

    def __init__(
        self,
        method: str,
        version: HttpVersion,
        said: Mapping[str, Sequence[str]],
        onward: Headers,
    ) -> None:
        """See ``read_head``."""
        self.method = method
        self.version = version
        self.host = said["host"][0] if "host" in said else None
        self.said = said
        self.onward = onward


def read_head(request: Request, *, without: frozenset[str]) -> Head:
    """Read it, and refuse what two readers could read differently, where the parser does not.

    Args:
        request: the station's.
        without: headers that do not go on, in lower case, beside those of this hop.

    Raises:
        Refused: ``bad-request`` (RFC 9112); the connection is closed.
    """
    version = request.version
    said: dict[str, list[str]] = {}
    onward: list[tuple[str, str]] = []
    sound = True
    for header in request.headers.items():
        name, value = header
        lower = name.lower()
        # Asked here, before the call: almost every header is plain ASCII.
        if not value.isascii() or "_" in lower:
            sound = sound and _is_sound(lower, value)
        if lower in said:
            said[lower].append(value)
        elif lower in _UNDERSTOOD:
            said[lower] = [value]
        if lower not in HOP_BY_HOP and lower not in without:
            onward.append(header)
    if version not in _SPOKEN:
        request.version = HttpVersion11  # the answer is in one that we speak
        sound = False
    if not sound or request.method in _NOT_SERVED or not _is_framed(said, version):
        raise Refused(ProblemType.BAD_REQUEST, reason="framing", close=True)
    if "connection" in said:
        named = options_of(said["connection"])
        onward = [header for header in onward if header[0].lower() not in named]
    return Head(request.method, version, said, tuple(onward))


def safe_target(request: Request, head: Head) -> str:
    """Path and query, not altered by a byte.

    Raises:
        Refused: ``bad-request``: it may mean another place than it says.
    """
    try:
        return check_target(request.target, host=head.host)
    except TargetUnsafe as unsafe:
        raise Refused(ProblemType.BAD_REQUEST, reason=unsafe.reason) from None


def _is_framed(said: Mapping[str, Sequence[str]], version: HttpVersion) -> bool:
    if "host" in said and not is_host(said["host"][0]):
        return False
    if "transfer-encoding" not in said:
        return True
    return version == HttpVersion11 and said["transfer-encoding"][0].lower() == "chunked"


def _is_sound(lower: str, value: str) -> bool:
    # Some servers read "Content_Length" as "Content-Length".
    if "_" in lower and lower.replace("_", "-") in HOP_BY_HOP:
        return False
    return value.isascii() or is_text(value)
