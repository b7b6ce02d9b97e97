"""Bytes on a socket: what is ambiguous is refused and closed, and nothing is smuggled through."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.intake.settings import IntakeSettings
from tests.support.door import Door, open_door

GOOD = b"POST /smuggled HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    settings = IntakeSettings(hold_seconds=1.0, body_idle_timeout_seconds=1.0)
    async with open_door(tmp_path, settings=settings) as opened:
        yield opened


def post(*lines: bytes, body: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join((b"POST /e " + version, b"Host: g", *lines, b"", body))


AMBIGUOUS = {
    "length and chunked": post(
        b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "two lengths": post(b"Content-Length: 1", b"Content-Length: 2", body=b"xx"),
    "the same length twice": post(b"Content-Length: 1", b"Content-Length: 1", body=b"x"),
    "a list of lengths": post(b"Content-Length: 1, 1", body=b"x"),
    "a signed length": post(b"Content-Length: +1", body=b"x"),
    "a negative length": post(b"Content-Length: -1"),
    "an underscored length": post(b"Content-Length: 1_0", body=b"x" * 10),
    "a length in hex": post(b"Content-Length: 0x1", body=b"x"),
    "an empty length": post(b"Content-Length: "),
    "a length of 2^64 + 1": post(b"Content-Length: 18446744073709551617", body=b"x"),
    "an odd coding": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "gzip before chunked": post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked in two lines": post(
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n"
    ),
    "chunked in HTTP/1.0": post(
        b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", version=b"HTTP/1.0"
    ),
    "a signed chunk size": post(b"Transfer-Encoding: chunked", body=b"+1\r\nx\r\n0\r\n\r\n"),
    "an underscored chunk size": post(
        b"Transfer-Encoding: chunked", body=b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n"
    ),
    "a chunk longer than it says": post(
        b"Transfer-Encoding: chunked", body=b"1\r\nxx\r\n0\r\n\r\n"
    ),
    "a huge chunk size": post(b"Transfer-Encoding: chunked", body=b"F" * 17 + b"\r\nx"),
    "a bare LF after a chunk's size": post(
        b"Transfer-Encoding: chunked", body=b"1\nx\r\n0\r\n\r\n"
    ),
    "a bare LF after a chunk": post(b"Transfer-Encoding: chunked", body=b"1\r\nx\n0\r\n\r\n"),
    "a bare LF in a chunk's extension": post(
        b"Transfer-Encoding: chunked", body=b"1;a\nx\r\n0\r\n\r\n"
    ),
    "a CR in a chunk's extension": post(
        b"Transfer-Encoding: chunked", body=b"1;a\rb\r\nx\r\n0\r\n\r\n"
    ),
    "a space after a chunk's size": post(
        b"Transfer-Encoding: chunked", body=b"1 \r\nx\r\n0\r\n\r\n"
    ),
    "a length in a trailer": post(
        b"Transfer-Encoding: chunked", body=b"1\r\nx\r\n0\r\nContent-Length: 5\r\n\r\n"
    ),
    "a parameter of chunked": post(b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"),
    "chunked with a vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "a comma before chunked": post(b"Transfer-Encoding: ,chunked", body=b"0\r\n\r\n"),
    "an empty coding and a length": post(b"Transfer-Encoding:", b"Content-Length: 1", body=b"x"),
    "obs-fold": post(b"X-A: 1", b" folded", b"Content-Length: 0"),
    "a space before the colon": post(b"Content-Length : 0"),
    "a space in a name": post(b"X A: 1", b"Content-Length: 0"),
    "no colon": post(b"X-A", b"Content-Length: 0"),
    "NUL in a value": post(b"X-A: a\x00b", b"Content-Length: 0"),
    "CR in a value": post(b"X-A: a\rb", b"Content-Length: 0"),
    "a bare LF after a header": b"POST /e HTTP/1.1\nHost: g\nContent-Length: 0\n\n",
    "bare LFs in one header": post(b"X-A: 1\nContent-Length: 0"),
    "two hosts": post(b"Host: h", b"Content-Length: 0"),
    "a path in the host": b"POST /e HTTP/1.1\r\nHost: g/../h\r\nContent-Length: 0\r\n\r\n",
    "a login in the host": b"POST /e HTTP/1.1\r\nHost: g@h\r\nContent-Length: 0\r\n\r\n",
    "a list of hosts": b"POST /e HTTP/1.1\r\nHost: g, h\r\nContent-Length: 0\r\n\r\n",
    "a quote in the host": b'POST /e HTTP/1.1\r\nHost: g";for="x\r\nContent-Length: 0\r\n\r\n',
    "an empty host": b"POST /e HTTP/1.1\r\nHost: \r\nContent-Length: 0\r\n\r\n",
    "no host": b"POST /e HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.32": post(b"Content-Length: 0", version=b"HTTP/1.32"),
    "HTTP/2.0": post(b"Content-Length: 0", version=b"HTTP/2.0"),
    "HTTP/0.9": post(b"Content-Length: 0", version=b"HTTP/0.9"),
    "bytes that are no text": post(b"X-A: \xff\xfe", b"Content-Length: 0"),
    "CONNECT without a target": b"CONNECT \n\r\n",
    "CONNECT": b"CONNECT g:443 HTTP/1.1\r\nHost: g:443\r\n\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a line too long": b"POST /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: g\r\n\r\n",
    "a header too long": post(b"X-A: " + b"x" * 9_000, b"Content-Length: 0"),
    "too many headers": post(*(b"X-A: 1",) * 200, b"Content-Length: 0"),
}


@pytest.mark.fault(
    33,
    did="CR, LF or NUL in a value, among other ambiguities",
    sees="400 and close, nothing forwarded",
    stand_in="delivery behind the real listener follows a script",
)
@pytest.mark.parametrize("sent", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
@pytest.mark.fault(
    28,
    did="ambiguous bytes on a socket, with a good request behind them",
    sees="one 400, then closed; nothing kept, nothing handed on",
    stand_in="delivery behind the real listener follows a script",
)
async def test_an_ambiguity_is_refused_and_what_follows_is_never_run(
    door: Door, sent: bytes
) -> None:
    answer = await door.raw(sent + GOOD)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert answer.count(b"HTTP/1.") == 1
    assert b"Content-Type: application/problem+json" in answer
    assert b"/_gateway/problems/bad-request" in answer
    assert not door.delivery.handed
    assert (await door.totals()).accepted == 0


async def test_broken_framing_after_the_head_ends_the_request_at_once(door: Door) -> None:
    reader, writer = await asyncio.open_connection(*door.address)
    writer.write(post(b"Transfer-Encoding: chunked"))
    await asyncio.sleep(0.05)
    writer.write(b"5\r\nhello\r\nZZ\r\n")
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.") == 1
    assert (await door.totals()).accepted == 0


@pytest.mark.fault(
    27,
    did="a length too large",
    sees="nothing kept",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_length_too_large_keeps_nothing(door: Door) -> None:
    await door.raw(post(b"Content-Length: 9", body=b"half"), end=True)
    while door.intake._door._in_hand:  # noqa: ASYNC110 - the answer cannot be seen: the station left
        await asyncio.sleep(0.001)
    assert (await door.totals()).accepted == 0
    assert door.finished().status == 400


@pytest.mark.fault(
    27,
    did="a length too small",
    sees="400; what is left over is no request",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_length_too_small_keeps_nothing(door: Door) -> None:
    answer = await door.raw(post(b"Content-Length: 1", body=b"xGARBAGE\r\n\r\n"))
    assert b" 400 " in answer
    assert (await door.totals()).accepted == 0


@pytest.mark.fault(
    27,
    did="bytes after a whole request",
    sees="the first answered, then 400 and close",
    stand_in="delivery behind the real listener follows a script",
)
async def test_bytes_that_come_after_a_whole_request_are_no_second_one(door: Door) -> None:
    reader, writer = await asyncio.open_connection(*door.address)
    writer.write(post(b"Content-Length: 1", body=b"x"))
    assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    writer.write(b"GARBAGE\r\n\r\n")
    assert b" 400 " in await reader.read()
    writer.close()
    assert (await door.totals()).accepted == 1


@pytest.mark.fault(
    27,
    did="a length over the limit with Expect: 100-continue",
    sees="413 before the body is sent",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_large_body_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async with open_door(tmp_path, settings=IntakeSettings(max_body_bytes=10)) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        writer.write(post(b"Content-Length: 1000000", b"Expect: 100-continue"))
        async with asyncio.timeout(5):
            status = await reader.readline()
        writer.close()
        assert status.startswith(b"HTTP/1.1 413 ")


@pytest.mark.fault(
    33,
    did="Expect: 100-continue",
    sees="100, then the answer; not forwarded",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_station_that_expects_100_is_invited(door: Door) -> None:
    reader, writer = await asyncio.open_connection(*door.address)
    writer.write(post(b"Content-Length: 4", b"Expect: 100-continue"))
    async with asyncio.timeout(5):
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert await reader.readline() == b"\r\n"
        writer.write(b"body")
        assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    writer.close()
    enrollment = await door.only()
    assert enrollment.body == b"body"
    assert not [name for name, _ in enrollment.headers if name.lower() == "expect"]


@pytest.mark.fault(
    33,
    did="HTTP/1.0",
    sees="answered without chunks, closed",
    stand_in="delivery behind the real listener follows a script",
)
async def test_http_1_0_is_answered_and_closed(door: Door) -> None:
    answer = await door.raw(post(b"Content-Length: 1", body=b"x", version=b"HTTP/1.0"))
    assert answer.startswith(b"HTTP/1.0 201 ")
    assert answer.endswith(b"recorded")
    assert b"chunked" not in answer


@pytest.mark.fault(
    33,
    did="absolute-form of this host",
    sees="forwarded as its path",
    stand_in="delivery behind the real listener follows a script",
)
async def test_the_absolute_form_of_this_host_is_taken(door: Door) -> None:
    await door.raw(
        b"POST http://g/e?x=1 HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    assert (await door.only()).target == "/e?x=1"


@pytest.mark.fault(
    35,
    did="absolute-form of another host",
    sees="400",
    stand_in="delivery behind the real listener follows a script",
)
async def test_the_absolute_form_of_another_host_is_refused(door: Door) -> None:
    answer = await door.raw(
        b"POST http://h/e HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not door.delivery.handed


@pytest.mark.fault(
    29,
    did="trailers",
    sees="not forwarded",
    stand_in="delivery behind the real listener follows a script",
)
async def test_trailers_and_chunk_extensions_are_not_forwarded(door: Door) -> None:
    await door.raw(
        post(
            b"Transfer-Encoding: chunked",
            b"Trailer: X-Sum",
            b"Connection: close",
            body=b"1;note=x\r\na\r\n0\r\nX-Sum: 1\r\n\r\n",
        )
    )
    enrollment = await door.only()
    assert enrollment.body == b"a"
    assert not {"trailer", "x-sum"} & {name.lower() for name, _ in enrollment.headers}


@pytest.mark.fault(
    29,
    did="a million chunks of one byte",
    sees="one body",
    stand_in="delivery behind the real listener follows a script",
)
async def test_many_tiny_chunks_are_one_body(door: Door) -> None:
    reader, writer = await asyncio.open_connection(*door.address)
    writer.write(
        post(
            b"Transfer-Encoding: chunked",
            b"Connection: close",
            body=b"1\r\nx\r\n" * 1_000_000 + b"0\r\n\r\n",
        )
    )
    async with asyncio.timeout(60):
        assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    writer.close()
    assert (await door.only()).body == b"x" * 1_000_000


@pytest.mark.fault(
    29,
    did="extensions of chunks that are far longer than what they carry: one of 1 MB, many of 8 KB,"
    " a million of 20 bytes",
    sees="400 and close after some 64 kB, nothing kept",
    stand_in="delivery behind the real listener follows a script",
)
@pytest.mark.parametrize(("length", "count"), [(1_000_000, 1), (8_000, 5_000), (20, 1_000_000)])
async def test_extensions_that_outweigh_their_chunks_are_refused(
    door: Door, length: int, count: int
) -> None:
    reader, writer = await asyncio.open_connection(*door.address)
    writer.write(post(b"Transfer-Encoding: chunked"))
    piece = b"1;" + b"x" * length + b"\r\nx\r\n"
    with contextlib.suppress(ConnectionError):
        for _ in range(0, count, 100):
            writer.write(piece * min(count, 100))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        await reader.read()
    writer.close()
    while door.intake._door._in_hand:  # noqa: ASYNC110 - it may have been cut before it was answered
        await asyncio.sleep(0.001)
    assert door.finished().status == 400
    assert (await door.totals()).accepted == 0


@pytest.mark.fault(
    29,
    did="an extension of a chunk that does not end",
    sees="cut at the deadline of the body, nothing kept",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_flood_of_chunk_extensions_is_cut(tmp_path: Path) -> None:
    settings = IntakeSettings(body_idle_timeout_seconds=0.2)
    async with open_door(tmp_path, settings=settings) as door:
        _, writer = await asyncio.open_connection(*door.address)
        writer.write(post(b"Transfer-Encoding: chunked", body=b"1;"))
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(b"x" * 1_000)
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()
        assert door.finished().status == 408
        assert (await door.totals()).accepted == 0


@pytest.mark.parametrize("apart", [False, True], ids=["at one go", "one by one"])
async def test_no_upgrade_is_granted_and_what_comes_behind_its_request_is_answered(
    door: Door, *, apart: bool
) -> None:
    def ask(number: int, *lines: bytes) -> bytes:
        key = b"Idempotency-Key: k%d" % number
        return post(key, b"Prefer: respond-async", b"Content-Length: 1", *lines, body=b"x")

    upgrade = (b"Connection: upgrade", b"Upgrade: websocket")
    asked = [ask(number, *(upgrade if number % 3 == 1 else ())) for number in range(40)]
    asked.append(ask(40, b"Connection: close"))
    reader, writer = await asyncio.open_connection(*door.address)
    for part in asked if apart else [b"".join(asked)]:
        writer.write(part)
        await asyncio.sleep(0.001 if apart else 0)
    async with asyncio.timeout(5):
        answers = await reader.read()
    writer.close()
    assert answers.count(b"HTTP/1.1 202 Accepted") == len(asked)
    assert (await door.totals()).accepted == len(asked)


async def test_a_connection_that_nobody_handles_any_more_is_ended(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object) -> object:
        raise AttributeError("of a library")

    monkeypatch.setattr("gateway.intake.handling.Request", mistaken)
    reader, writer = await asyncio.open_connection(*door.address)
    writer.write(GOOD)
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()
