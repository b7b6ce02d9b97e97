"""One attempt on real sockets: what was seen is what is reported, and nothing is tried twice."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.core.enrollment import Answer, Enrollment, Headers
from gateway.core.outcome import Broken, Credential, Exchange, NotConnected
from gateway.delivery.pool import UpstreamPool
from gateway.delivery.transport import UpstreamSettings, UpstreamTransport
from tests.support.raw_server import (
    Behave,
    answering,
    raw_server,
    silent,
    then_close,
    then_reset,
)

OK = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"


def an_enrollment(method: str = "POST", headers: Headers = (), body: bytes = b"x") -> Enrollment:
    return Enrollment(
        id="id",
        station="desk",
        key="key-1",
        method=method,
        target="/a%2Fb/c?d=%20e",
        headers=(("Idempotency-Key", '"key-1"'), *headers),
        body=body,
        content_sha256="",
        accepted_at=0.0,
    )


@asynccontextmanager
async def connections(
    url: str, *, timeout_seconds: float = 1.0, connect_seconds: float = 0.3, limit: int = 1000
) -> AsyncIterator[UpstreamPool]:
    pool = UpstreamPool(
        url,
        tls=ssl.create_default_context(),
        timeout_seconds=timeout_seconds,
        connect_timeout_seconds=connect_seconds,
        most_answer_bytes=limit,
    )
    try:
        yield pool
    finally:
        pool.close()
        await asyncio.sleep(0)


async def exchange(
    url: str, enrollment: Enrollment, *, credential: str | None = None, limit: int = 1000
) -> Exchange:
    async with connections(url, timeout_seconds=0.5, limit=limit) as pool:
        transport = UpstreamTransport(pool, UpstreamSettings(url), lambda: credential)
        return await transport.send(enrollment, enrollment.headers)


async def test_a_complete_answer_comes_back_as_it_was() -> None:
    async with raw_server(answering(OK)) as server:
        assert await exchange(server.url, an_enrollment()) == Answer(
            201, (("Content-Length", "2"),), b"{}"
        )


@pytest.mark.parametrize(
    ("behave", "cause"),
    [
        (silent, "timeout"),
        (then_close(), "eof"),
        (then_reset(), "reset"),
        (then_close(b"HTTP/1.1 201 Created\r\nContent-Le"), "eof"),
        (then_reset(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n"), "malformed"),
        (then_close(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{}"), "malformed"),
        (
            then_close(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
            "malformed",
        ),
        (
            then_close(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"),
            "malformed",
        ),
        (then_close(b"what is this\r\n\r\n"), "malformed"),
        (answering(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{}"), "timeout"),
    ],
    ids=[
        "says-nothing",
        "closes",
        "resets",
        "half-a-head",
        "reset-after-the-head",
        "length-lies",
        "chunk-cut",
        "last-chunk-missing",
        "no-http",
        "never-ends",
    ],
)
async def test_a_broken_answer_is_never_taken_for_one(behave: Behave, cause: str) -> None:
    async with raw_server(behave) as server:
        assert await exchange(server.url, an_enrollment()) == Broken(cause)
        assert len(server.requests) == 1


async def test_a_closed_port_took_no_byte() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert await exchange(url, an_enrollment()) == NotConnected("refused")


async def test_a_name_that_nobody_knows_is_a_fault_of_dns() -> None:
    url = "http://nowhere.invalid"
    # A resolver may take long to say so.
    async with connections(url, timeout_seconds=60.0, connect_seconds=60.0) as pool:
        transport = UpstreamTransport(pool, UpstreamSettings(url), lambda: None)
        seen = await transport.send(an_enrollment(), ())
        assert seen == NotConnected("dns")


@pytest.mark.fault(
    19,
    did="an https upstream that speaks no TLS",
    sees="not one byte of the request in plain text",
    stand_in="the transport, without its gateway",
)
async def test_a_server_without_tls_is_never_talked_to_in_plain_text() -> None:
    async with raw_server(answering(OK)) as server:
        seen = await exchange(server.url.replace("http:", "https:"), an_enrollment())
        assert isinstance(seen, NotConnected)
        assert server.requests == []


async def test_the_request_goes_out_as_it_came_and_nothing_is_added() -> None:
    headers = (("X-Note", "one"), ("X-Note", "two"), ("Content-Type", "application/x-packet"))
    async with raw_server(answering(OK)) as server:
        await exchange(server.url + "/base/", an_enrollment(headers=headers, body=b"\x00\xff"))
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /base/a%2Fb/c?d=%20e HTTP/1.1"
    assert body == b"\x00\xff"
    assert {line for line in lines[1:] if not line.startswith(b"Host:")} == {
        b'Idempotency-Key: "key-1"',
        b"X-Note: one",
        b"X-Note: two",
        b"Content-Type: application/x-packet",
        b"Content-Length: 2",
    }


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
async def test_nothing_is_sent_again_when_a_kept_connection_turns_out_to_be_closed(
    method: str,
) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(OK)(reader, writer)
        await reader.readuntil(b"\r\n\r\n")  # the second request on this connection
        seen.append("second")
        writer.transport.abort()

    seen: list[str] = []
    async with raw_server(once) as server, connections(server.url) as pool:
        transport = UpstreamTransport(pool, UpstreamSettings(server.url), lambda: None)
        assert isinstance(await transport.send(an_enrollment(method, body=b""), ()), Answer)
        assert isinstance(await transport.send(an_enrollment(method, body=b""), ()), Broken)
        await asyncio.sleep(0.05)
        assert len(server.requests) + len(seen) == 2


async def test_no_redirect_is_followed() -> None:
    moved = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(answering(moved)) as server:
        seen = await exchange(server.url, an_enrollment())
        assert isinstance(seen, Answer)
        assert seen.status == 307
        assert len(server.requests) == 1


async def test_no_answer_is_decoded() -> None:
    packed = gzip.compress(b"{}")
    head = (
        f"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    )
    async with raw_server(answering(head.encode() + packed)) as server:
        seen = await exchange(server.url, an_enrollment())
        assert isinstance(seen, Answer)
        assert seen.body == packed


async def test_a_longer_answer_than_is_kept_counts_by_its_status() -> None:
    long = b"HTTP/1.1 201 Created\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000
    async with raw_server(answering(long)) as server:
        seen = await exchange(server.url, an_enrollment(), limit=1000)
        assert isinstance(seen, Answer)
        assert (seen.status, seen.body) == (201, b"")


async def test_the_gateways_own_credential_takes_the_place_of_the_stations() -> None:
    enrollment = an_enrollment(headers=(("Authorization", "Bearer station"),))
    async with raw_server(answering(OK)) as server:
        await exchange(server.url, enrollment, credential="Bearer gateway")
        await exchange(server.url, enrollment)
    assert b"Authorization: Bearer gateway\r\n" in server.requests[0]
    assert b"station" not in server.requests[0]
    assert b"Authorization: Bearer station\r\n" in server.requests[1]


async def test_a_credential_with_a_line_end_is_never_sent() -> None:
    async with raw_server(answering(OK)) as server:
        for credential in ("Bearer x\r\nX-More: 1", "Bearer x\nX-More: 1", "Bearer x\rX"):
            with pytest.raises(ValueError, match="line end"):
                await exchange(server.url, an_enrollment(), credential=credential)
        assert server.requests == []


async def test_whose_credential_an_attempt_carries_is_known() -> None:
    own = an_enrollment(headers=(("authorization", "Bearer station"),))
    settings = UpstreamSettings("http://127.0.0.1:1")
    async with connections(settings.url) as pool:
        assert UpstreamTransport(pool, settings, lambda: "x").credential(own) is Credential.GATEWAY
        bare = UpstreamTransport(pool, settings, lambda: None)
        assert bare.credential(own) is Credential.STATION
        assert bare.credential(an_enrollment()) is Credential.NONE


async def test_a_lookup_asks_for_the_key_in_its_place() -> None:
    async with raw_server(answering(OK)) as server, connections(server.url) as pool:
        settings = UpstreamSettings(server.url, lookup_path="/by-key/{key}")
        await UpstreamTransport(pool, settings, lambda: None).look_up("a/b c", ())
    assert server.requests[0].startswith(b"GET /by-key/a%2Fb%20c HTTP/1.1\r\n")
