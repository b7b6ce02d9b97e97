"""The operators' listener ends connections that bring nothing, and no others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gateway.admin.listener import OperatorsRunner

GET = b"GET / HTTP/1.1\r\nHost: g\r\n\r\n"


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Of a listener whose only answer takes its time."""
    monkeypatch.setattr("gateway.admin.listener.IDLE_SECONDS", 0.3)

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(1.0 if request.query else 0.0)
        return web.Response(text="done")

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = OperatorsRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost",
        b"POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 9\r\n\r\nhalf",
    ],
    ids=["nothing", "half a head", "half a body"],
)
async def test_who_brings_no_request_is_ended(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


async def test_who_asks_again_in_time_or_waits_for_an_answer_is_not(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for sent in (GET, GET, GET.replace(b"/ ", b"/?slow ")):
        await asyncio.sleep(0.15)
        writer.write(sent)
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200 ")
    writer.close()
