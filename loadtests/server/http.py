"""The simulated recording server's HTTP: reads a request, waits for its reply, puts it on the wire.

Must not know why a reply is what it is: that is the model's. Bodies are hashed as they come, never
kept and never decoded.
"""

import asyncio
import json
import re
import socket
import struct
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from hashlib import sha256
from typing import NoReturn
from urllib.parse import unquote

from aiohttp import web
from aiohttp.web_request import BaseRequest

from loadtests.server.control import Control
from loadtests.server.driver import Driver
from loadtests.server.exchange import How, Reply, Request
from loadtests.server.recorded import Record

READS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOKUP = re.compile(r"/enrollments/by-key/([^/]+)")
SEND_RST_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for zero seconds


class Front:
    """Answers the requests that reach the server's public listener."""

    def __init__(self, driver: Driver, control: Control, *, lookup: bool) -> None:
        """With `lookup` off the server cannot say what it recorded for a key."""
        self._driver = driver
        self._control = control
        self._lookup = lookup
        self._busy: set[asyncio.BaseTransport] = set()

    @property
    def busy(self) -> AbstractSet[asyncio.BaseTransport]:
        """The connections that wait for an answer."""
        return self._busy

    async def answer(self, request: BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if self._control.owns(request.path):
            return await self._control.answer(request)
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client is gone")
        self._busy.add(transport)
        try:
            if request.method in READS:
                return await self._read(request, transport)
            reply = await self._driver.record(await _read_whole(request))
            return await _respond(reply, transport)
        finally:
            self._busy.discard(transport)

    async def _read(self, request: BaseRequest, transport: asyncio.Transport) -> web.StreamResponse:
        reply = await self._driver.read()
        match = LOOKUP.fullmatch(request.rel_url.raw_path)
        if reply.status != 200 or match is None:
            return await _respond(reply, transport)
        if not self._lookup:
            return _json({"error": "this server has no lookup"}, 501)
        record = self._driver.server.find(_unquoted(unquote(match[1])))
        if record is None:
            return _json({"recorded": False}, 404)
        return _recorded(record, 200)


async def _read_whole(request: BaseRequest) -> Request:
    digest, size = sha256(), 0
    async for chunk in request.content.iter_any():
        digest.update(chunk)
        size += len(chunk)
    headers = request.headers
    key = headers.get("Idempotency-Key")
    return Request(
        key=None if key is None else _unquoted(key),
        enrollment=headers.get("X-Enrollment"),
        ordering_key=headers.get("Ordering-Key"),
        sha256=digest.hexdigest(),
        bytes=size,
    )


def _unquoted(key: str) -> str:
    """Take a key as a quoted structured-field string (RFC 8941) or bare: the same key."""
    if len(key) >= 2 and key[0] == key[-1] == '"':
        return re.sub(r"\\(.)", r"\1", key[1:-1])
    return key


async def _respond(reply: Reply, transport: asyncio.Transport) -> web.Response:
    if reply.how is How.RESET:
        _reset(transport)
        await _wait_for_the_end()
    if reply.how is How.HALF:
        _send_half(reply.status, transport)
        await _wait_for_the_end()
    if reply.record is not None:
        return _recorded(reply.record, reply.status)
    headers = {} if reply.retry_after is None else {"Retry-After": reply.retry_after}
    return _json({"status": reply.status}, reply.status, headers)


def _reset(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, SEND_RST_ON_CLOSE)
    transport.abort()


def _send_half(status: int, transport: asyncio.Transport) -> None:
    whole = _body({"recorded": True})
    head = f"HTTP/1.1 {status} Created\r\nContent-Length: {len(whole)}\r\n\r\n"
    transport.write(head.encode() + whole[: len(whole) // 2])
    transport.close()


async def _wait_for_the_end() -> NoReturn:
    """Wait until the closed connection cancels this handler: nothing more may be written."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a closed connection did not cancel its handler")


def _recorded(record: Record, status: int) -> web.Response:
    at = datetime.fromtimestamp(record.at, UTC).isoformat(timespec="milliseconds")
    return _json({"recorded": True, "number": record.number}, status, {"Recorded-At": at})


def _body(data: dict[str, object]) -> bytes:
    return json.dumps(data).encode()


def _json(
    data: dict[str, object], status: int, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=_body(data), status=status, headers=headers, content_type="application/json"
    )
