"""Slow stations, and bodies that are not as long as they say, at a real gateway's socket."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.desk import Desk, desk
from tests.acceptance.processes import Gateway
from tests.support.raw_server import RawServer, answering, raw_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

DEADLINE = 2.0
LIMIT = 200_000
SETTINGS = {
    "intake.header_timeout_seconds": DEADLINE,
    "intake.body_idle_timeout_seconds": DEADLINE,
    "intake.max_body_bytes": LIMIT,
}
RECORDED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n" + bytes(8_000_000)


@contextlib.asynccontextmanager
async def door(
    folder: Path, says: bytes = RECORDED
) -> AsyncIterator[tuple[Gateway, RawServer, Desk]]:
    """A gateway with short deadlines, its server, and a station that is not slow."""
    async with raw_server(answering(says)) as server:
        with Gateway(folder, server.url, SETTINGS) as gateway:
            await asyncio.to_thread(gateway.start)
            async with desk(gateway.url) as other:
                yield gateway, server, other


@contextlib.asynccontextmanager
async def line(
    gateway: Gateway,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of a stranger."""
    parts = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def post(*headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((b"POST /e HTTP/1.1", b"Host: g", *headers, b"", body))


Slow = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]


async def head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """A head that comes line by line and does not end."""
    writer.write(b"POST /e HTTP/1.1\r\nHost: g\r\n")
    return await dripping(reader, writer, b"X-A: 1\r\n")


async def body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """A body that comes byte by byte."""
    writer.write(post(b"Content-Length: 100000"))
    return await dripping(reader, writer, b"x")


async def chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Chunks that come one by one."""
    writer.write(post(b"Transfer-Encoding: chunked"))
    return await dripping(reader, writer, b"1\r\nx\r\n")


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """A body that stops in the middle."""
    writer.write(post(b"Content-Length: 10", body=b"half"))
    return await reader.read()


async def dripping(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, drop: bytes
) -> bytes:
    answer = asyncio.ensure_future(reader.read())
    while not answer.done():
        with contextlib.suppress(ConnectionError):
            writer.write(drop)
            await writer.drain()
        await asyncio.sleep(0.1)
    return await answer


async def stranger(gateway: Gateway, slow: Slow) -> bytes:
    async with line(gateway) as ends:
        return await slow(*ends)


@pytest.mark.fault(
    30,
    did="at a real gateway with deadlines of 2 s: a head line by line, a body byte by byte, chunks"
    " one by one, a body that stops",
    sees="408 and the end at the deadline; another station is answered at once all the while;"
    " nothing kept, nothing at the server",
)
@pytest.mark.parametrize("slow", [head, body, chunks, silence])
async def test_who_is_too_slow_is_cut_off_and_no_one_else(tmp_path: Path, slow: Slow) -> None:
    async with door(tmp_path) as (gateway, server, other):
        began = time.monotonic()
        strangers = [asyncio.ensure_future(stranger(gateway, slow)) for _ in range(20)]
        waits = list[float]()
        while not all(each.done() for each in strangers):
            asked = time.monotonic()
            assert (await other.enroll(f"key-{len(waits)}")).status == 201
            waits.append(time.monotonic() - asked)
            await asyncio.sleep(0.2)
            assert time.monotonic() - began < 10 * DEADLINE, "they are not cut off"
        assert time.monotonic() - began >= DEADLINE - 0.1
        for each in strangers:
            assert (await each)[9:13] == b"408 "
        assert max(waits) < DEADLINE, "no one waits for them"
        found = await asyncio.to_thread(gateway.reconciliation)
        assert found["accepted"] == found["delivered"] == len(waits) == len(server.requests)


@pytest.mark.fault(
    30,
    did="at a real gateway with deadlines of 2 s: a photograph over a line of 128 kbit/s, three"
    " times as long as the deadline; a reader that does not read",
    sees="the photograph arrives whole; the reader is cut off, the next station is answered",
)
async def test_a_slow_line_is_no_fault_and_a_reader_that_stands_still_is_one(
    tmp_path: Path,
) -> None:
    photograph = bytes(range(256)) * 375  # 96 kB: six seconds
    async with door(tmp_path) as (gateway, server, _):
        async with line(gateway) as (reader, writer):
            writer.write(post(b"Content-Length: %d" % len(photograph), b"Connection: close"))
            for start in range(0, len(photograph), 1600):
                writer.write(photograph[start : start + 1600])
                await writer.drain()
                await asyncio.sleep(0.1)
            assert (await reader.read()).startswith(b"HTTP/1.1 201 ")
        assert server.requests[0].endswith(photograph)
    (tmp_path / "reader").mkdir()
    async with door(tmp_path / "reader", LARGE) as (gateway, _, other):
        parts = urlsplit(gateway.url)
        with socket.create_connection((parts.hostname, parts.port or 0)) as still:
            still.sendall(b"GET /large HTTP/1.1\r\nHost: g\r\n\r\n")
            await asyncio.sleep(3 * DEADLINE)
            assert (await other.look("/_gateway/jwks.json")).status == 200
            assert await asyncio.to_thread(all_of, still) < len(LARGE)


def all_of(line: socket.socket) -> int:
    """How many bytes come until the end."""
    size = 0
    with contextlib.suppress(ConnectionError):
        while chunk := line.recv(65_536):
            size += len(chunk)
    return size


@pytest.mark.fault(
    27,
    did="at a real gateway: bodies over the limit with a length, in chunks, and announced by"
    " Expect; a length too small with a request behind it; a length too large",
    sees="413 early, before the body is read; what is left over is never a second request; nothing"
    " half is kept, nothing at the server",
)
async def test_a_body_that_is_not_what_it_says_is_kept_by_nobody(tmp_path: Path) -> None:
    over = b"%x\r\n" % (LIMIT + 1) + b"x" * (LIMIT + 1)
    async with door(tmp_path) as (gateway, server, _):
        for sent, status in (
            (post(b"Content-Length: %d" % (LIMIT + 1)), b"413"),
            (post(b"Content-Length: %d" % (LIMIT + 1), b"Expect: 100-continue"), b"413"),
            (post(b"Transfer-Encoding: chunked", body=over), b"413"),
            (post(b"Content-Length: 1", body=b"x" + b"GARBAGE" + post()), b"400"),
            (post(b"Content-Length: 9", body=b"half"), None),
        ):
            async with line(gateway) as (reader, writer):
                writer.write(sent)
                if status is None:
                    writer.write_eof()
                began = time.monotonic()
                answer = await reader.read(65_536)
                assert time.monotonic() - began < DEADLINE, "it waited for a body"
                assert answer[9:12] == status or (status is None and answer[9:12] in {b"", b"400"})
                assert answer.count(b"HTTP/1.") <= 1
        found = await asyncio.to_thread(gateway.reconciliation)
        assert (found["accepted"], server.requests) == (0, [])
