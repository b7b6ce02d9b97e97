"""One attempt on the wire, through aiohttp: sends what it is given once, reports what it saw.

Must not know what an outcome means, and must not try again: it follows no redirect, decodes no
body, keeps no cookie.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from gateway.core.enrollment import Answer, Enrollment, Headers
from gateway.core.forwarding import NOT_ADDED, with_credential
from gateway.core.outcome import Broken, Credential, Exchange, NotConnected


class Transport(Protocol):
    """Carries one request to the upstream. Never raises for what the wire does."""

    def credential(self, enrollment: Enrollment) -> Credential:
        """Whose ``Authorization`` an attempt for this enrollment carries."""
        ...

    async def send(self, enrollment: Enrollment) -> Exchange:
        """One attempt: a complete answer, or how it failed."""
        ...

    async def look_up(self, key: str) -> Exchange:
        """Ask whether a key is recorded."""
        ...


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """Where the upstream is.

    Attributes:
        url: base URL; path and query of a request are appended as received.
        lookup_path: path with ``{key}``, or None.
        max_answer_bytes: a longer answer counts by its status; its body is not kept.
    """

    url: str
    lookup_path: str | None = None
    max_answer_bytes: int = 8 * 1024 * 1024


# First match wins: from "no byte left" to "something broke". TimeoutError and ConnectionError are
# kinds of OSError, and aiohttp's own errors are kinds of both, so the order carries the meaning.
_FAILURES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Exchange], ...] = (
    (aiohttp.ClientConnectorDNSError, NotConnected("dns")),
    (
        (
            aiohttp.ClientConnectorSSLError,
            aiohttp.ClientConnectorCertificateError,
            aiohttp.ServerFingerprintMismatch,
        ),
        NotConnected("tls"),
    ),
    (aiohttp.ConnectionTimeoutError, NotConnected("timeout")),
    (aiohttp.ClientConnectorError, NotConnected("refused")),
    (TimeoutError, Broken("timeout")),
    (aiohttp.ServerDisconnectedError, Broken("eof")),
    (OSError, Broken("reset")),
)


def _failure(error: Exception) -> Exchange:
    for kinds, exchange in _FAILURES:
        if isinstance(error, kinds):
            return exchange
    return Broken("malformed")


class UpstreamTransport:
    """The transport over an ``aiohttp.ClientSession``, which brings the time limits."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: UpstreamSettings,
        authorization: Callable[[], str | None],
    ) -> None:
        """Wire it up.

        Args:
            session: made and closed by the wiring.
            settings: where to send to.
            authorization: the gateway's own credential, asked for at each attempt; None: it has
                none, and the station's goes on.
        """
        # aiohttp would send a PUT or DELETE again by itself when a kept connection turns out to
        # be closed. Only the journal may decide that.
        session._retry_connection = False  # noqa: SLF001 - there is no public switch
        self._session = session
        self._settings = settings
        self._authorization = authorization
        self._base = settings.url.rstrip("/")

    def credential(self, enrollment: Enrollment) -> Credential:
        """The gateway's, where it has one; else the station's own, if it sent any."""
        if self._authorization() is not None:
            return Credential.GATEWAY
        if any(name.lower() == "authorization" for name, _ in enrollment.headers):
            return Credential.STATION
        return Credential.NONE

    async def send(self, enrollment: Enrollment) -> Exchange:
        """One attempt; the body and end-to-end headers go out as they came."""
        return await self._exchange(
            enrollment.method, enrollment.target, enrollment.headers, enrollment.body
        )

    async def look_up(self, key: str) -> Exchange:
        """GET the lookup path with the key, percent-encoded, in its place."""
        path = (self._settings.lookup_path or "").replace("{key}", quote(key, safe=""))
        return await self._exchange("GET", path, (), None)

    async def _exchange(
        self, method: str, target: str, headers: Headers, body: bytes | None
    ) -> Exchange:
        try:
            async with self._session.request(
                method,
                URL(self._base + target, encoded=True),
                headers=CIMultiDict(with_credential(headers, self._authorization())),
                skip_auto_headers=NOT_ADDED,
                data=body,
                allow_redirects=False,
            ) as response:
                kept = await _read_bounded(response, self._settings.max_answer_bytes)
                names = _names_and_values(response)
                return Answer(response.status, names, kept)
        except (aiohttp.ClientError, OSError) as error:
            return _failure(error)


async def _read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body, or nothing where it is longer than ``limit``; read to its end either way."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        else:
            chunks.clear()
    return b"".join(chunks)


def _names_and_values(response: aiohttp.ClientResponse) -> Headers:
    return tuple(
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in response.raw_headers
    )
