"""The short form of the benchmarks: calls of functions for each enrollment, counted, not timed.

A machine that others use makes any time flap. How many functions are called is the same on every
machine, and what makes the gateway half as fast nearly always calls twice as many. The bounds are a
third above what was counted; who passes one has made each enrollment dearer, and should know why.
"""

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from gateway.core.enrollment import Answer
from gateway.core.lifecycle import Status
from gateway.delivery.pool import UpstreamPool
from gateway.delivery.transport import UpstreamSettings, UpstreamTransport
from gateway.journal.sqlite.book import SqliteBook
from gateway.journal.sqlite.opening import SETTINGS
from tests.delivery.test_transport import an_enrollment as enrollment
from tests.journal.entries import DELIVERED, entry
from tests.support.door import open_door
from tests.support.raw_server import answering, raw_server

HEAD = (
    b"POST /enrollments HTTP/1.1\r\nHost: g\r\nContent-Type: application/octet-stream\r\n%s"
    b'Content-Length: 2048\r\nIdempotency-Key: "%d"\r\n\r\n' + b"x" * 2048
)
ASYNC = b"Prefer: respond-async\r\n"
MANY = 40
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


class Calls:
    """How many functions were called, those written in C among them."""

    def __init__(self) -> None:
        self.count = 0

    def see(self, _frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            self.count += 1


@contextmanager
def counted() -> Iterator[Calls]:
    calls = Calls()
    sys.setprofile(calls.see)
    try:
        yield calls
    finally:
        sys.setprofile(None)


async def calls_each(address: tuple[str, int], more: bytes, status: bytes) -> float:
    """Calls for each of many requests on one connection, client and server together."""
    reader, writer = await asyncio.open_connection(*address)

    async def ask(numbers: range) -> None:
        for number in numbers:
            writer.write(HEAD % (more, number))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 " + status)
            _, _, length = head.lower().partition(b"content-length: ")
            await reader.readexactly(int(length.partition(b"\r")[0]))

    await ask(range(5))  # what is done once is done
    with counted() as calls:
        await ask(range(5, 5 + MANY))
    writer.close()
    return calls.count / MANY


async def bare() -> float:
    """The same client, and aiohttp that only reads and answers."""

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=201, body=await request.read())

    async with RawTestServer(answer) as server:
        assert server.port is not None
        return await calls_each((server.host, server.port), b"", b"201")


async def accepted(tmp_path: Path) -> float:
    """At the door, against a receipt; beyond what aiohttp calls."""
    async with open_door(tmp_path) as door:
        each = await calls_each(door.address, ASYNC, b"202")
        assert (await door.totals()).by_status[Status.PENDING] == MANY + 5
    return each - await bare()


async def answered(tmp_path: Path) -> float:
    """At the door, with the server's own answer; beyond what aiohttp calls."""
    async with open_door(tmp_path) as door:
        each = await calls_each(door.address, b"", b"201")
    return each - await bare()


async def attempted(_tmp_path: Path) -> float:
    """To the upstream and back; a small server's calls among them."""
    async with raw_server(answering(CREATED)) as server:
        pool = UpstreamPool(
            server.url,
            tls=ssl.create_default_context(),
            timeout_seconds=5.0,
            connect_timeout_seconds=5.0,
        )
        transport = UpstreamTransport(pool, UpstreamSettings(server.url), lambda: None)
        with counted() as calls:
            for _ in range(MANY):
                assert isinstance(await transport.send(enrollment(), ()), Answer)
        pool.close()
        await asyncio.sleep(0.05)
    return calls.count / MANY


async def kept(tmp_path: Path) -> float:
    """In the journal's thread, from accepted to delivered."""
    book = SqliteBook(
        tmp_path / "journal.db", max_bytes=1 << 30, min_free_bytes=0, settings=SETTINGS, now=0.0
    )
    with counted() as calls:
        for number in range(MANY):
            one = entry(number)
            book.begin()
            book.accepting.accept(one, sending=True, size=2048)
            book.moving.change(one.id, DELIVERED, now=2.0)
            book.commit()
    book.close(trusted=True)
    return calls.count / MANY


@pytest.mark.parametrize(
    ("way", "most"),
    [(accepted, 540), (answered, 510), (attempted, 345), (kept, 126)],
    ids=["accepted", "answered", "attempted", "kept"],
)
async def test_an_enrollment_calls_no_more_functions_than_it_did(
    tmp_path: Path, way: Callable[[Path], Awaitable[float]], most: int
) -> None:
    assert most / 2 < await way(tmp_path) < most
