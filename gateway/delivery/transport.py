"""One attempt on the wire: sends what it is given once, reports what it saw.

Must not know what an outcome means, and must not try again: it follows no redirect, decodes no
body, keeps no cookie, and adds no header but ``Host`` and ``Content-Length``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote

from yarl import URL

from gateway.core.enrollment import Enrollment, Headers
from gateway.core.forwarding import with_credential
from gateway.core.outcome import Credential, Exchange
from gateway.delivery.pool import UpstreamPool

_AUTHORIZATION: Final = len("authorization")


class Transport(Protocol):
    """Carries one request to the upstream. Never raises for what the wire does."""

    def credential(self, enrollment: Enrollment) -> Credential:
        """Whose ``Authorization`` an attempt for this enrollment carries."""
        ...

    async def send(self, enrollment: Enrollment, headers: Headers) -> Exchange:
        """One attempt: a complete answer, or how it failed. ``headers``: this attempt's."""
        ...

    async def look_up(self, key: str, headers: Headers) -> Exchange:
        """Ask whether a key is recorded."""
        ...


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """Where the upstream is.

    Attributes:
        url: base URL; path and query of a request are appended as received.
        lookup_path: path with ``{key}``, or None.
    """

    url: str
    lookup_path: str | None = None


class UpstreamTransport:
    """The transport over a pool of connections, which brings the time limits."""

    def __init__(
        self,
        pool: UpstreamPool,
        settings: UpstreamSettings,
        authorization: Callable[[], str | None],
    ) -> None:
        """Wire it up.

        Args:
            pool: made and closed by the wiring.
            settings: where to send to.
            authorization: the gateway's own credential, asked for at each attempt; None: it has
                none, and the station's goes on.
        """
        self._pool = pool
        self._settings = settings
        self._authorization = authorization
        at = URL(settings.url)
        self._base = at.raw_path.rstrip("/")
        self._host = f"Host: {at.host_port_subcomponent}\r\n"

    def credential(self, enrollment: Enrollment) -> Credential:
        """The gateway's, where it has one; else the station's own, if it sent any."""
        if self._authorization() is not None:
            return Credential.GATEWAY
        for name, _ in enrollment.headers:
            if len(name) == _AUTHORIZATION and name.lower() == "authorization":
                return Credential.STATION
        return Credential.NONE

    async def send(self, enrollment: Enrollment, headers: Headers) -> Exchange:
        """One attempt; the body goes out as it came."""
        body = enrollment.body
        if body is None:
            raise ValueError("its body is not in memory; it was not sent")
        framing = f"Content-Length: {len(body)}\r\n\r\n"
        head = self._head(enrollment.method, enrollment.target, headers, framing)
        return await self._pool.exchange(head, body)

    async def look_up(self, key: str, headers: Headers) -> Exchange:
        """GET the lookup path with the key, percent-encoded, in its place."""
        path = (self._settings.lookup_path or "").replace("{key}", quote(key, safe=""))
        return await self._pool.exchange(self._head("GET", path, headers, "\r\n"), b"")

    def _head(self, method: str, target: str, headers: Headers, framing: str) -> bytes:
        """``framing``: how long the body is, if there is one, and the head's end."""
        own = self._authorization()
        given = headers if own is None else with_credential(headers, own)
        lines = [f"{name}: {value}\r\n" for name, value in given]
        first = f"{method} {self._base}{target} HTTP/1.1\r\n{self._host}"
        head = f"{first}{''.join(lines)}{framing}".encode("utf-8", "surrogateescape")
        # A line end inside of a value would be a header, or a request, that nobody sent.
        ends = 2 + len(lines) + framing.count("\n")
        if head.count(b"\n") != ends or head.count(b"\r") != ends:
            raise ValueError("a header holds a line end; it was not sent")
        return head
