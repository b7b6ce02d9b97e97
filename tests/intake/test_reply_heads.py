"""The head of an answer, byte for byte: its date, and whether the connection stays."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.enrollment import Answer
from tests.support.door import Door, open_door

YESTERDAY = b"Mon, 23 Nov 2026 08:00:00 GMT"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(tmp_path) as opened:
        yield opened


async def head(door: Door, version: bytes, *lines: bytes) -> list[bytes]:
    """The lines of the head that answers an enrollment."""
    reader, writer = await asyncio.open_connection(*door.address)
    try:
        lines = (b"POST /e " + version, b"Host: g", b"Content-Length: 1", *lines, b"", b"x")
        writer.write(b"\r\n".join(lines))
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
    return answer.split(b"\r\n")


def of(name: bytes, lines: list[bytes]) -> list[bytes]:
    return [line[len(name) + 2 :] for line in lines if line.lower().startswith(name + b": ")]


async def test_the_gateways_own_answer_is_dated_once(door: Door) -> None:
    (date,) = of(b"date", await head(door, b"HTTP/1.1", b"Prefer: respond-async"))
    assert date.endswith(b" GMT")


async def test_the_servers_own_date_is_passed_on_alone(door: Door) -> None:
    answer = Answer(201, (("Date", YESTERDAY.decode()),), b"{}")
    door.delivery.answers = lambda _: answer
    assert of(b"date", await head(door, b"HTTP/1.1")) == [YESTERDAY]


@pytest.mark.parametrize(
    ("version", "lines", "told"),
    [
        (b"HTTP/1.1", (), []),
        (b"HTTP/1.1", (b"Connection: close",), [b"close"]),
        (b"HTTP/1.0", (), [b"close"]),
        (b"HTTP/1.0", (b"Connection: keep-alive",), [b"keep-alive"]),
    ],
)
async def test_a_station_is_told_what_its_version_does_not_say(
    door: Door, version: bytes, lines: tuple[bytes, ...], told: list[bytes]
) -> None:
    # RFC 9112, 9.3: a connection stays in 1.1 and ends in 1.0, unless told otherwise.
    assert of(b"connection", await head(door, version, *lines)) == told
