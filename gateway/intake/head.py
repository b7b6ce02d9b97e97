"""The head of a request, read in one walk: what it says to the gateway, and what goes on.

Must not know what becomes of the request.
"""

from collections.abc import Mapping, Sequence
from http import HTTPMethod
from typing import Final

from aiohttp import HttpVersion, HttpVersion10, HttpVersion11, web

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
        said: the values of the headers that are understood here, by their names in lower case.
    """

    __slots__ = ("_onward", "method", "said", "version")

    def __init__(
        self,
        method: str,
        version: HttpVersion,
        said: dict[str, list[str]],
        onward: list[tuple[str, str]],
    ) -> None:
        """See ``read_head``. ``onward``: all headers but those of this hop."""
        self.method = method
        self.version = version
        self.said = said
        self._onward = onward

    @property
    def host(self) -> str | None:
        """The ``Host`` header."""
        return self.said["host"][0] if "host" in self.said else None

    def all_of(self, name: str) -> Sequence[str]:
        """The values of a header that is understood here, in order."""
        return self.said.get(name, ())

    def target(self, request: web.BaseRequest) -> str:
        """Path and query, not altered by a byte.

        Raises:
            Refused: ``bad-request``: it may mean another place than it says.
        """
        try:
            return check_target(request.raw_path, host=self.host)
        except TargetUnsafe as unsafe:
            raise Refused(ProblemType.BAD_REQUEST, reason=unsafe.reason) from None

    def onward(self, without: frozenset[str]) -> Headers:
        """The headers that go on, in order: end to end, and none of ``without`` (lower case)."""
        if "connection" in self.said:
            without |= options_of(self.said["connection"])
        elif without.isdisjoint(self.said):
            return tuple(self._onward)
        return tuple([header for header in self._onward if header[0].lower() not in without])


def read_head(request: web.BaseRequest) -> Head:
    """Read it, and refuse what two readers could read differently, where the parser does not.

    Raises:
        Refused: ``bad-request`` (RFC 9112); the connection is closed.
    """
    version: HttpVersion = request.version
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
        if lower not in HOP_BY_HOP:
            onward.append(header)
    if version not in _SPOKEN:
        request._cache["version"] = HttpVersion11  # noqa: SLF001 - the answer is in one we speak
        sound = False
    if not sound or request.method in _NOT_SERVED or not _is_framed(said, version):
        raise Refused(ProblemType.BAD_REQUEST, reason="framing", close=True)
    return Head(request.method, version, said, onward)


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
