"""The head of an answer, byte for byte: its date, and whether the connection stays."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.enrollment import Answer
from gateway.core.lifecycle import Status
from gateway.intake.replies import LEAST_APART, accepted, lines_of
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


async def test_a_promise_is_told_in_these_lines_and_this_order(door: Door) -> None:
    lines = await head(door, b"HTTP/1.1", b"Prefer: respond-async")
    (receipt_id,) = of(b"gateway-receipt", lines)
    (date,) = of(b"date", lines)
    (length,) = of(b"content-length", lines)
    assert lines == [
        b"HTTP/1.1 202 Accepted",
        b"Location: /_gateway/receipts/" + receipt_id,
        b"Gateway-Receipt: " + receipt_id,
        b"Retry-After: 1",
        b"Preference-Applied: respond-async",
        b"Content-Type: application/json",
        b"Cache-Control: no-store",
        b"Server: enrollment-gateway",
        b"Content-Length: " + length,
        b"Date: " + date,
        b"",
        b"",
    ]


async def test_a_receipt_is_the_json_that_pythons_own_encoder_writes(door: Door) -> None:
    door.delivery.answers = lambda _: None
    promised = await door.ask(headers={"Prefer": "respond-async"}, body=b"x")
    assert list(promised.json) == [
        *("id", "status", "accepted_at", "attempts", "next_attempt_at", "estimated_delivery_at"),
        *("content_sha256", "durability", "receipt", "response"),
    ]
    answer = Answer(422, (("X-Odd", 'a "quote" \\ \u00e9'), ("X-Odd", "b")), b"\x00\xff")
    await door.settle(await door.only(), Status.REJECTED, answer)
    final = await door.ask("GET", f"/_gateway/receipts/{promised.json['id']}", body=None)
    assert final.json["response"]["headers"] == {"X-Odd": 'a "quote" \\ \u00e9, b'}
    for got in (promised, final):
        assert got.body == json.dumps(got.json).encode()
        assert got.headers["Content-Length"] == str(len(got.body))


@pytest.mark.parametrize("size", [0, 1, LEAST_APART - 1, LEAST_APART, 10 * LEAST_APART])
async def test_a_body_of_any_size_comes_whole_behind_its_head(door: Door, size: int) -> None:
    answer = Answer(201, (("Content-Type", "text/plain"),), b"y" * size)
    door.delivery.answers = lambda _: answer
    for key in ("a", "b"):  # the second one on the same connection
        got = await door.ask(headers={"Idempotency-Key": key})
        assert (got.status, got.body) == (201, answer.body)


@pytest.mark.parametrize("mark", ["\r", "\n", "\0", "\x7f", "\x1b", "\x0b"])
def test_no_header_can_end_its_line(mark: str) -> None:
    for pair in ((f"X-A{mark}", "b"), ("X-A", f"b{mark}c")):
        with pytest.raises(ValueError, match="control character"):
            lines_of([pair])
    with pytest.raises(ValueError, match="control character"):
        accepted(b"{}", receipt_id=f"a{mark}", retry_after=1)
    with pytest.raises(ValueError, match="control character"):
        accepted(b"{}", receipt_id="a", retry_after=1, applied=f"wait=1{mark}")
    assert lines_of([("X-A", "tabs\tmay")]) == "X-A: tabs\tmay\r\n"


async def test_the_servers_claim_to_be_a_receipt_is_replaced(door: Door) -> None:
    answer = Answer(
        201, (("gateway-receipt", "theirs"), ("Connection", "X-Hop"), ("X-Hop", "1")), b""
    )
    door.delivery.answers = lambda _: answer
    lines = await head(door, b"HTTP/1.1")
    assert of(b"gateway-receipt", lines) == [(await door.only()).id.encode()]
    assert of(b"x-hop", lines) == []
