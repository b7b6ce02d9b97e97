"""Strangers at a real gateway: raw bytes on its socket, and a server that notes what reaches it."""

import asyncio
import contextlib
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.processes import Gateway
from tests.intake.test_framing import AMBIGUOUS, GOOD
from tests.support.raw_server import answering, raw_server

pytestmark = pytest.mark.slow

RECORDED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
TRICKS = (
    *("/../admin/v1/status", "/a/../../admin/v1/status", "/%2e%2e/x", "/.%2e/x", "/%252e%252e/x"),
    *("//127.0.0.1/x", "/\\127.0.0.1/x", "/%2f%2f127.0.0.1/x", "http://127.0.0.1:9090/x"),
    *("https://elsewhere.example/x", "http://g@elsewhere.example/x", "/..;a/x", "/a/%5c..%5cx"),
    *("/%5fgateway/receipts/x", "/_gateway%2freceipts/x", "/./_gateway/receipts/x", "*", "g:443"),
)
KEPT = ("/admin/v1/status", "/metrics", "/a//b?next=../../x", "/caf%C3%A9/a.b/..c", "/x?")


def told(gateway: Gateway, sent: bytes, *, door: str = "") -> bytes:
    """Send bytes, and read until the gateway ends the connection."""
    parts = urlsplit(door or gateway.url)
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=20) as line:
        line.sendall(sent)
        answer = b""
        while chunk := line.recv(65_536):
            answer += chunk
    return answer


@pytest.mark.fault(
    36,
    did="broken framing with a NIK in it at both listeners of a real gateway",
    sees="a problem that repeats nothing of it; nothing of it in the log",
)
async def test_what_is_no_request_is_not_repeated(tmp_path: Path) -> None:
    nik = b"3603011212900000"
    broken = (
        b"GET /%s HTTP/1.1\r\nHost: g\r\nX-Nik : %s\r\n\r\n" % (nik, nik),
        b"GET /%s HTTP/1.%s\r\nHost: g\r\n\r\n" % (nik, nik),
        b"GET / HTTP/1.1\r\nHost: g\r\nContent-Length: x%s\r\n\r\n" % nik,
        b"%s\r\n\r\n" % nik,
    )
    async with raw_server(answering(RECORDED)) as server:
        with Gateway(tmp_path, server.url, {"log.level": "debug"}) as gateway:
            await asyncio.to_thread(gateway.start)
            for door in (gateway.url, gateway.admin):
                for sent in broken:
                    answer = await asyncio.to_thread(told, gateway, sent, door=door)
                    assert answer[9:13] == b"400 ", (door, sent)
                    assert b"application/problem+json" in answer
                    assert nik not in answer
            log = gateway.running.tail()
            assert nik.decode() not in log
            assert "Traceback" not in log
            assert '"exception"' not in log


async def test_a_request_without_a_target_is_answered_and_ended_at_both_doors(
    tmp_path: Path,
) -> None:
    async with raw_server(answering(RECORDED)) as server:
        with Gateway(tmp_path, server.url) as gateway:
            await asyncio.to_thread(gateway.start)
            for door, status in ((gateway.url, b"400 "), (gateway.admin, b"404 ")):
                answer = await asyncio.to_thread(told, gateway, b"CONNECT \n\r\n", door=door)
                assert answer[9:13] == status, door
            assert "exception" not in gateway.running.tail()


def post(target: str) -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nConnection: close\r\n\r\n"
    return head.encode() + b"x"


@pytest.mark.fault(
    28,
    did="ambiguous bytes on the socket of a real gateway, with a good request behind them",
    sees="one 400 each, then the end; nothing accepted, and not one byte at the server",
)
async def test_no_ambiguity_reaches_the_server(tmp_path: Path) -> None:
    async with raw_server(answering(RECORDED)) as server:
        with Gateway(tmp_path, server.url) as gateway:
            await asyncio.to_thread(gateway.start)
            for name, sent in AMBIGUOUS.items():
                answer = await asyncio.to_thread(told, gateway, sent + GOOD)
                assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), name
                assert answer.count(b"HTTP/1.") == 1, name
            found = await asyncio.to_thread(gateway.reconciliation)
        assert (found["accepted"], server.requests) == (0, [])


@pytest.mark.fault(
    35,
    did="targets that climb, name a host, or mean the gateway's own paths, at a real gateway",
    sees="400 each and nothing at the server; honest paths arrive below its base URL, unchanged",
)
async def test_no_target_leaves_the_base_url_or_reaches_the_operators_door(tmp_path: Path) -> None:
    async with raw_server(answering(RECORDED)) as server:
        with Gateway(tmp_path, f"{server.url}/base") as gateway:
            await asyncio.to_thread(gateway.start)
            for target in TRICKS:
                answer = await asyncio.to_thread(told, gateway, post(target))
                assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), target
            assert server.requests == []
            for target in KEPT:
                answer = await asyncio.to_thread(told, gateway, post(target))
                assert answer.startswith(b"HTTP/1.1 201 "), target
        arrived = [request.split(b" ", 2)[1].decode() for request in server.requests]
        assert arrived == [f"/base{target}" for target in KEPT]


CHUNKED = b"POST /e HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


def poured(gateway: Gateway, head: bytes, piece: bytes, count: int, end: bytes = b"") -> bytes:
    """The answer to ``count`` pieces, as far as the gateway takes them."""
    parts = urlsplit(gateway.url)
    answer = b""
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=20) as line:
        with contextlib.suppress(ConnectionError):
            line.sendall(head)
            for _ in range(count):
                line.sendall(piece)
            line.sendall(end)
        with contextlib.suppress(ConnectionError):
            while chunk := line.recv(65_536):
                answer += chunk
    return answer


@pytest.mark.fault(
    29,
    did="at a real gateway: a gigabyte of an extension, two of extensions of 8 KB, trailers; then a"
    " million chunks of one byte",
    sees="floods are cut off with 400 within a second, memory as before, nothing at the server; the"
    " million arrives as one body, without trailers",
)
async def test_floods_of_framing_cost_the_gateway_next_to_nothing(tmp_path: Path) -> None:
    async with raw_server(answering(RECORDED)) as server:
        with Gateway(tmp_path, server.url) as gateway:
            await asyncio.to_thread(gateway.start)
            before = memory(gateway)
            last = b"1\r\nx\r\n0\r\n"
            for start, piece, count in (
                (b"1;", b"x" * 65_536, 16_000),
                (b"", (b"1;" + b"x" * 8_000 + b"\r\nx\r\n") * 10, 25_000),
                (last, b"X-A: b\r\n" * 1_000, 10_000),
                (last + b"X-A: ", b"x" * 65_536, 1_000),
            ):
                began = time.monotonic()
                answer = await asyncio.to_thread(poured, gateway, CHUNKED + start, piece, count)
                assert time.monotonic() - began < 20
                assert answer[:13] in {b"HTTP/1.1 400 ", b"HTTP/1.0 400 ", b""}
            assert memory(gateway) < before + 20_000_000
            assert server.requests == []
            end = b"0\r\nX-Sum: 1\r\n\r\n"
            many = b"1\r\nx\r\n" * 10_000
            answer = await asyncio.to_thread(poured, gateway, CHUNKED, many, 100, end)
            assert answer.startswith(b"HTTP/1.1 201 ")
        (arrived,) = server.requests
        head, _, body = arrived.partition(b"\r\n\r\n")
        assert body == b"x" * 1_000_000
        assert b"x-sum" not in head.lower()
        assert b"chunked" not in head.lower()


def memory(gateway: Gateway) -> int:
    """Its resident bytes."""
    pages = Path(f"/proc/{gateway.running.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096
