"""Connections to the upstream on real sockets: which are used again, and what ends an answer."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.core.enrollment import Answer
from gateway.core.outcome import Broken, Exchange, NotConnected
from gateway.delivery import pool as pool_module
from gateway.delivery.connection import MOST_HEAD_BYTES
from gateway.delivery.pool import UpstreamPool
from tests.support.raw_server import (
    Behave,
    RawServer,
    answering,
    raw_server,
    silent,
    then_close,
    then_reset,
)

HEAD = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
OK = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
CREATED = Answer(201, (("Content-Length", "2"),), b"{}")


@asynccontextmanager
async def pooled(behave: Behave, *, timeout_seconds: float = 1.0) -> AsyncIterator["Both"]:
    async with raw_server(behave) as server:
        pool = UpstreamPool(
            server.url,
            tls=ssl.create_default_context(),
            timeout_seconds=timeout_seconds,
            connect_timeout_seconds=0.3,
        )
        try:
            yield Both(server, pool)
        finally:
            pool.close()
            await asyncio.sleep(0)


class Both:
    """A server, and the pool that talks to it."""

    def __init__(self, server: RawServer, pool: UpstreamPool) -> None:
        self.server = server
        self.pool = pool

    async def ask(self) -> Exchange:
        return await self.pool.exchange(HEAD, b"x")

    @property
    def connections(self) -> int:
        return len(self.server._connections)


async def test_a_connection_is_used_again() -> None:
    async with pooled(answering(OK)) as both:
        assert [await both.ask() for _ in range(3)] == [CREATED] * 3
        assert both.connections == 1


async def test_each_of_those_under_way_has_a_connection_of_its_own() -> None:
    async with pooled(answering(OK)) as both:
        assert await asyncio.gather(*(both.ask() for _ in range(5))) == [CREATED] * 5
        assert both.connections == 5


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 201 Created\r\nContent-Length: 2\r\n\r\n{}",
        OK + OK,
        OK + b"garbage",
    ],
    ids=["says-close", "old-version", "answers-twice", "garbage-behind"],
)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(answer: bytes) -> None:
    async with pooled(answering(answer)) as both:
        for _ in range(2):
            seen = await both.ask()
            assert isinstance(seen, Answer)
            assert (seen.status, seen.body) == (201, b"{}")
        assert both.connections == 2


async def test_what_nobody_asked_for_is_never_taken_for_the_next_answer() -> None:
    async def and_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(OK)(reader, writer)
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n")

    async with pooled(and_more) as both:
        assert await both.ask() == CREATED
        await asyncio.sleep(0.1)
        assert await both.ask() == CREATED
        assert both.connections == 2


async def test_a_connection_that_the_server_closed_meanwhile_costs_no_doubt() -> None:
    async with pooled(then_close(OK)) as both:
        assert await both.ask() == CREATED
        await asyncio.sleep(0.05)
        assert await both.ask() == CREATED
        assert len(both.server.requests) == 2


async def test_a_connection_that_was_idle_too_long_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool_module, "KEEPALIVE_SECONDS", 0.05)
    async with pooled(answering(OK)) as both:
        await both.ask()
        assert len(both.pool._idle) == 1
        await asyncio.sleep(0.15)
        assert both.pool._idle == []
        await both.ask()
        assert both.connections == 2


async def test_go_on_is_no_answer() -> None:
    more = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with pooled(answering(more, OK)) as both:
        assert await both.ask() == CREATED


async def test_an_answer_in_pieces_is_one_answer() -> None:
    pieces = [OK[at : at + 1] for at in range(len(OK))]
    async with pooled(answering(*pieces)) as both:
        assert await both.ask() == CREATED


async def test_a_chunked_answer_is_whole_at_its_last_chunk_and_a_trailer_is_no_header() -> None:
    chunked = (
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\n{\r\n1\r\n}\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    async with pooled(answering(chunked)) as both:
        assert await both.ask() == Answer(201, (("Transfer-Encoding", "chunked"),), b"{}")
        await both.ask()
        assert both.connections == 1


async def test_without_a_length_an_orderly_end_is_the_end_and_a_reset_is_not() -> None:
    unframed = b"HTTP/1.1 201 Created\r\n\r\n{}"
    async with pooled(then_close(unframed)) as both:
        assert await both.ask() == Answer(201, (), b"{}")
    async with pooled(then_reset(unframed)) as both:
        assert await both.ask() == Broken("malformed")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 201 Created\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nwhat",
        b"HTTP/1.1 201 Created\r\nX: " + b"x" * (MOST_HEAD_BYTES + 1),
    ],
    ids=[
        "coding-without-an-end",
        "two-framings",
        "two-lengths",
        "negative-length",
        "switches-protocol",
        "no-answer-behind-go-on",
        "endless-head",
    ],
)
async def test_an_answer_that_could_be_read_in_two_ways_is_broken(answer: bytes) -> None:
    async with pooled(then_close(answer)) as both:
        assert await both.ask() == Broken("malformed")


async def test_an_answer_before_the_request_was_read_is_an_answer() -> None:
    """A server that refuses early reads no further; the rest of the body is not its business."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await told.wait()
        writer.transport.abort()

    told = asyncio.Event()
    server = await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1024)
    pool = UpstreamPool(
        f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        tls=ssl.create_default_context(),
        timeout_seconds=1.0,
        connect_timeout_seconds=0.3,
    )
    size = 32 * 1024 * 1024
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
    seen = await pool.exchange(head, bytes(size))
    assert isinstance(seen, Answer)
    assert seen.status == 413
    assert pool._idle == []
    told.set()
    server.close()
    await asyncio.sleep(0.05)


async def test_one_that_is_cancelled_leaves_no_connection_behind() -> None:
    async def until_gone(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with pooled(until_gone) as both:
        asking = asyncio.ensure_future(both.ask())
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (len(both.pool._busy), both.pool._idle) == (0, [])


async def test_a_server_that_never_finishes_the_handshake_took_no_byte() -> None:
    async with raw_server(silent) as server:
        pool = UpstreamPool(
            server.url.replace("http:", "https:"),
            tls=ssl.create_default_context(),
            timeout_seconds=5.0,
            connect_timeout_seconds=0.1,
        )
        assert await pool.exchange(HEAD, b"x") == NotConnected("timeout")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "1", "-subj", "/CN=x", "-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


async def over_tls(certificate: tuple[Path, Path], url: str, trusted: ssl.SSLContext) -> Exchange:
    """One exchange with a server that shows this certificate; ``{port}`` in the url is its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            await reader.readexactly(len(HEAD) + 1)
            writer.write(OK)
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    pool = UpstreamPool(
        url.format(port=port), tls=trusted, timeout_seconds=2.0, connect_timeout_seconds=2.0
    )
    try:
        return await pool.exchange(HEAD, b"x")
    finally:
        pool.close()
        server.close()
        await asyncio.sleep(0.05)


async def test_it_speaks_tls_with_a_server_that_it_knows(certificate: tuple[Path, Path]) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate[0]))
    assert await over_tls(certificate, "https://localhost:{port}", trusted) == CREATED


async def test_a_server_that_it_does_not_know_took_no_byte(certificate: tuple[Path, Path]) -> None:
    unknown = ssl.create_default_context()
    assert await over_tls(certificate, "https://localhost:{port}", unknown) == NotConnected("tls")


async def test_a_certificate_for_another_name_is_no_proof(certificate: tuple[Path, Path]) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate[0]))
    assert await over_tls(certificate, "https://127.0.0.1:{port}", trusted) == NotConnected("tls")


async def test_no_first_byte_goes_out_once_it_may_not_though_the_connection_stands() -> None:
    async with raw_server(answering(OK)) as server:
        allowed = True
        pool = UpstreamPool(
            server.url,
            tls=ssl.create_default_context(),
            timeout_seconds=1.0,
            connect_timeout_seconds=0.3,
            may_send=lambda: allowed,
        )
        assert await pool.exchange(HEAD, b"x") == CREATED
        allowed = False
        assert await pool.exchange(HEAD, b"x") == NotConnected("turn-over")
        allowed = True
        assert await pool.exchange(HEAD, b"x") == CREATED
        pool.close()
        assert len(server.requests) == 2
