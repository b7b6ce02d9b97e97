"""Connections to the upstream: made when they are needed, kept for a little while, timed.

Must not know what is asked. How many there are is the window's business.
"""

import asyncio
import socket
import ssl
from typing import Final

import aiohappyeyeballs
from yarl import URL

from gateway.core.enrollment import Body
from gateway.core.outcome import Exchange, NotConnected
from gateway.delivery.connection import UpstreamConnection
from gateway.delivery.deadlines import Deadlines
from gateway.delivery.sending import MaySend, always
from gateway.delivery.session import KEEPALIVE_SECONDS

# RFC 8305, section 5: the next address is tried when the one before has said nothing for so long.
_NEXT_ADDRESS_AFTER: Final = 0.25


class UpstreamPool:
    """Asks the upstream, each time on a connection of its own."""

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext,
        timeout_seconds: float,
        connect_timeout_seconds: float,
        most_answer_bytes: int = 8 * 1024 * 1024,
        may_send: MaySend = always,
    ) -> None:
        """Set it up; nothing is connected yet.

        Args:
            url: scheme, host and port count.
            tls: for an ``https`` url.
            timeout_seconds: one whole exchange, the time to connect included.
            connect_timeout_seconds: until the connection stands, TLS included.
            most_answer_bytes: a longer answer counts by its status; its body is not kept.
            may_send: asked right before the first byte of each request.
        """
        self._may_send = may_send
        at = URL(url)
        self._host, self._port = at.raw_host or "", at.port or 0
        self._tls = tls if at.scheme == "https" else None
        self._timeout = timeout_seconds
        self._connect_timeout = min(connect_timeout_seconds, timeout_seconds)
        self._most_answer_bytes = most_answer_bytes
        self._idle: list[tuple[UpstreamConnection, float]] = []  # the longest idle first
        self._busy = Deadlines[UpstreamConnection](_time_is_up)
        self._sweep: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def exchange(self, head: bytes, body: Body) -> Exchange:
        """Send a request once, and wait for its answer. Never raises for what the wire does."""
        # To ask which loop runs is a call to the kernel each time.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        began = loop.time()
        connection = self._take(now=began)
        if connection is None:
            made = await self._connect()
            if isinstance(made, NotConnected):
                return made
            connection = made
        if not self._may_send():
            self._give_back(connection, now=loop.time())
            return NotConnected("turn-over")
        self._busy.add(connection, began + self._timeout)
        try:
            return await connection.ask(head, body)
        except asyncio.CancelledError:
            connection.close()
            raise
        finally:
            self._busy.discard(connection)
            self._give_back(connection, now=loop.time())

    def renew(self, tls: ssl.SSLContext) -> None:
        """Connections from now on are made with this context; those in use go on to their end."""
        if self._tls is not None:
            self._tls = tls
            for connection, _ in self._idle:
                connection.close()
            self._idle.clear()

    def close(self) -> None:
        """Drop every connection."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection, _ in self._idle:
            connection.close()
        self._idle.clear()
        for connection in self._busy.stop():
            connection.break_off("eof")

    def _take(self, *, now: float) -> UpstreamConnection | None:
        """The one used last: it is the least likely to be closed by the server just now."""
        earliest = now - KEEPALIVE_SECONDS
        while self._idle:
            connection, since = self._idle.pop()
            if since > earliest and connection.reusable:
                return connection
            connection.close()
        return None

    def _give_back(self, connection: UpstreamConnection, *, now: float) -> None:
        if not connection.reusable:
            connection.close()
            return
        self._idle.append((connection, now))
        if self._sweep is None:
            self._plan_sweep()

    def _plan_sweep(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(KEEPALIVE_SECONDS, self._drop_old)

    def _drop_old(self) -> None:
        earliest = asyncio.get_running_loop().time() - KEEPALIVE_SECONDS
        kept = [each for each in self._idle if each[1] > earliest and each[0].reusable]
        for connection, _ in {*self._idle} - {*kept}:
            connection.close()
        self._idle = kept
        self._sweep = None
        if kept:
            self._plan_sweep()

    async def _connect(self) -> UpstreamConnection | NotConnected:
        """A connection that stands, or why there is none; no byte of a request has left."""
        try:
            async with asyncio.timeout(self._connect_timeout):
                return await self._open()
        except TimeoutError:
            return NotConnected("timeout")
        except socket.gaierror:
            return NotConnected("dns")
        except ssl.SSLError:
            return NotConnected("tls")
        except OSError:
            return NotConnected("refused")

    async def _open(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        opened = await aiohappyeyeballs.start_connection(
            found, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER, interleave=1
        )
        try:
            _, connection = await loop.create_connection(
                lambda: UpstreamConnection(most_answer_bytes=self._most_answer_bytes),
                sock=opened,
                ssl=self._tls,
                server_hostname=self._host if self._tls is not None else None,
            )
        except BaseException:
            opened.close()
            raise
        return connection


def _time_is_up(connection: UpstreamConnection) -> None:
    connection.break_off("timeout")
