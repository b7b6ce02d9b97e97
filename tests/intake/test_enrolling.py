"""The way of one enrollment at the door: what the journal keeps and what the station hears."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.enrollment import Answer, Enrollment
from gateway.core.facts import DuplicateAbsorbed, EnrollmentAccepted, RequestOutcome, UpstreamState
from gateway.core.lifecycle import Status
from gateway.core.routes import Route
from gateway.intake.settings import IntakeSettings
from gateway.journal.contract import Change, JournalFault
from gateway.journal.memory import MemoryJournal
from tests.support.door import RECORDED, Door, header, open_door

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(tmp_path) as opened:
        yield opened


async def until(happened: list[object] | dict[str, Enrollment]) -> None:
    """Let the gateway come to the point where something was handed over."""
    while not happened:  # noqa: ASYNC110 - there is no event to wait for in the double
        await asyncio.sleep(0.001)


async def test_the_servers_answer_is_the_stations_answer(door: Door) -> None:
    got = await door.ask(headers={"Idempotency-Key": "k1"})
    enrollment = await door.only()
    assert (got.status, got.body) == (201, b"recorded")
    assert got.headers["X-Server"] == "1"
    assert got.headers["Gateway-Receipt"] == enrollment.id
    assert "Server" not in got.headers
    assert door.delivery.asked == ["reserve", "launch"]
    assert door.finished().outcome is RequestOutcome.ANSWERED


async def test_an_answer_without_a_type_gets_none(door: Door) -> None:
    door.delivery.answers = lambda _: Answer(200, (("Connection", "close"),), b"x")
    got = await door.ask()
    assert "Content-Type" not in got.headers
    assert got.body == b"x"


@pytest.mark.fault(
    33,
    did="a hop-by-hop name in Connection",
    sees="that header goes no further, the others do",
    stand_in="delivery behind the real listener follows a script",
)
async def test_what_is_forwarded_is_what_came_and_how(door: Door) -> None:
    await door.ask(
        "PUT",
        "/enrollments/7?part=%2Fa",
        headers={
            "Idempotency-Key": '"k 1"',
            "X-Desk": "3",
            "Connection": "X-Hop",
            "X-Hop": "1",
            "Authorization": "Bearer own",
            "Prefer": "wait=2",
            "Priority": "u=1",
            "Ordering-Key": "desk-3",
        },
        body=b"\x00\xffraw",
    )
    enrollment = await door.only()
    assert (enrollment.method, enrollment.target) == ("PUT", "/enrollments/7?part=%2Fa")
    assert enrollment.body == b"\x00\xffraw"
    assert enrollment.content_sha256 == hashlib.sha256(b"\x00\xffraw").hexdigest()
    assert (enrollment.key, enrollment.priority, enrollment.ordering_key) == ("k 1", 1, "desk-3")
    assert header(enrollment.headers, "Idempotency-Key") == ['"k 1"']
    assert header(enrollment.headers, "X-Desk") == ["3"]
    assert header(enrollment.headers, "X-Hop") == []
    assert header(enrollment.headers, "Content-Length") == []
    assert header(enrollment.headers, "Host") == []
    assert header(enrollment.headers, "Authorization") == ["Bearer own"]
    assert header(enrollment.headers, "Prefer") == ["wait=2"]
    assert header(enrollment.headers, "Via") == ["1.1 enrollment-gateway"]
    host = f'"127.0.0.1:{door.address[1]}"'
    assert header(enrollment.headers, "Forwarded") == [f"for=127.0.0.1;host={host};proto=http"]


async def test_a_request_without_a_key_gets_one_from_its_bytes(door: Door) -> None:
    first = await door.ask(body=b"one")
    again = await door.ask(body=b"one")
    other = await door.ask(body=b"two")
    enrollment = next(iter(door.delivery.handed.values()))
    assert header(enrollment.headers, "Idempotency-Key") == [enrollment.key]
    assert first.headers["Gateway-Receipt"] == again.headers["Gateway-Receipt"]
    assert first.headers["Gateway-Receipt"] != other.headers["Gateway-Receipt"]
    assert (await door.totals()).accepted == 2


async def test_a_station_that_prefers_a_receipt_gets_it_once_it_is_durable(door: Door) -> None:
    got = await door.ask(headers=ASYNC)
    enrollment = await door.only()
    document = got.json
    assert got.status == 202
    assert got.headers["Location"] == f"/_gateway/receipts/{enrollment.id}"
    assert got.headers["Retry-After"].isdigit()
    assert got.headers["Preference-Applied"] == "respond-async"
    assert document["id"] == enrollment.id
    assert document["status"] == "pending"
    assert document["attempts"] == 0
    assert document["accepted_at"] == "2026-11-24T01:02:03.456Z"
    assert document["durability"] == "memory"
    assert document["response"] is None
    assert door.delivery.asked == ["enqueue"]
    assert (await door.totals()).by_status[Status.PENDING] == 1
    (fact,) = [fact for fact in door.facts if isinstance(fact, EnrollmentAccepted)]
    assert (fact.station, fact.size, fact.status) == ("anonymous", 6, Status.PENDING)
    assert door.finished().outcome is RequestOutcome.ACCEPTED


async def test_while_the_server_is_down_the_receipt_comes_at_once(door: Door) -> None:
    door.delivery.state = UpstreamState.OPEN
    got = await door.ask()
    assert got.status == 202
    assert "Preference-Applied" not in got.headers
    assert door.delivery.asked == ["enqueue"]


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=0", "wait=0"),
        ("respond-async, wait=0", "respond-async, wait=0"),
    ],
)
async def test_a_wait_is_kept_and_said(door: Door, prefer: str, applied: str) -> None:
    got = await door.ask(headers={"Prefer": prefer})
    assert (got.status, got.headers["Preference-Applied"]) == (202, applied)


async def test_a_hold_that_ends_without_an_answer_ends_in_a_receipt(tmp_path: Path) -> None:
    async with open_door(tmp_path, settings=IntakeSettings(hold_seconds=0.05)) as door:
        door.delivery.answers = lambda _: None
        got = await door.ask()
        assert got.status == 202
        assert (got.json["status"], got.json["attempts"]) == ("sending", 1)
        assert door.delivery.asked == ["reserve", "launch", "leave"]


async def test_a_route_brings_its_own_hold_and_priority(tmp_path: Path) -> None:
    routes = (Route("/slow/*", hold_seconds=0.05, priority=6),)
    async with open_door(
        tmp_path, settings=IntakeSettings(hold_seconds=60.0, routes=routes)
    ) as door:
        door.delivery.answers = lambda _: None
        got = await door.ask(target="/slow/1")
        assert got.status == 202
        assert (await door.only()).priority == 6


async def test_a_retry_in_between_does_not_end_the_hold(door: Door) -> None:
    door.delivery.answers = lambda _: None
    asking = asyncio.ensure_future(door.ask())
    await until(door.delivery.handed)
    enrollment = await door.only()
    await door.settle(enrollment, Status.PENDING)
    await asyncio.sleep(0.01)
    assert not asking.done()
    await door.settle(enrollment, Status.DELIVERED, RECORDED)
    assert (await asking).status == 201


async def test_held_stations_get_receipts_when_the_server_goes_down(door: Door) -> None:
    door.delivery.answers = lambda _: None
    asking = asyncio.ensure_future(door.ask())
    await until(door.delivery.handed)
    door.delivery.turn(UpstreamState.OPEN)
    got = await asking
    assert got.status == 202
    assert door.delivery.asked[-1] == "leave"


@pytest.mark.parametrize("state", [UpstreamState.SLOW_START, UpstreamState.STEADY])
async def test_other_changes_of_state_do_not_end_the_hold(door: Door, state: UpstreamState) -> None:
    door.delivery.answers = lambda _: None
    asking = asyncio.ensure_future(door.ask())
    await until(door.delivery.handed)
    door.delivery.turn(state)
    await asyncio.sleep(0.01)
    assert not asking.done()
    await door.settle(await door.only(), Status.DELIVERED, RECORDED)
    await asking


async def test_a_dead_letter_ends_the_hold_with_a_receipt_that_says_so(door: Door) -> None:
    door.delivery.answers = lambda _: None
    asking = asyncio.ensure_future(door.ask())
    await until(door.delivery.handed)
    enrollment = await door.only()
    await door.settle(enrollment, Status.IN_DOUBT)
    dead = Change(Status.DEAD_LETTER, "scripted")
    assert await door.journal.change(enrollment.id, dead, now=door.clock.now())
    door.delivery.settle(enrollment.id, Status.DEAD_LETTER)
    got = await asking
    assert (got.status, got.json["status"]) == (202, "dead_letter")


async def test_no_free_slot_means_waiting_in_the_queue(door: Door) -> None:
    door.delivery.slots = 0
    got = await door.ask()
    assert got.status == 201
    assert door.delivery.asked == ["enqueue live"]


async def test_an_enrollment_held_back_by_its_order_gives_its_slot_back(door: Door) -> None:
    first = {"Idempotency-Key": "1", "Ordering-Key": "desk", **ASYNC}
    await door.ask(headers=first)
    await door.ask(headers={"Idempotency-Key": "2", "Ordering-Key": "desk"})
    assert door.delivery.asked == ["enqueue", "reserve", "withdraw", "enqueue live"]
    assert door.delivery.slots == 1_000


async def test_the_same_request_again_gets_the_same_answer(door: Door) -> None:
    headers = {"Idempotency-Key": "k1"}
    door.delivery.answers = lambda _: None
    asking = asyncio.ensure_future(door.ask(headers=headers))
    await until(door.delivery.handed)
    await door.settle(await door.only(), Status.DELIVERED, RECORDED)
    first = await asking
    again = await door.ask(headers=headers)
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Gateway-Receipt"] == first.headers["Gateway-Receipt"]
    assert "Idempotency-Replayed" not in first.headers
    assert door.delivery.slots == 999
    assert DuplicateAbsorbed(first.headers["Gateway-Receipt"]) in door.facts
    assert door.finished().outcome is RequestOutcome.REPLAYED


async def test_a_quoted_and_a_bare_key_are_one_enrollment(door: Door) -> None:
    first = await door.ask(headers={"Idempotency-Key": "k1", **ASYNC})
    again = await door.ask(headers={"Idempotency-Key": '"k1"', **ASYNC})
    assert first.json["id"] == again.json["id"]


async def test_a_request_that_is_not_final_gets_the_same_receipt(door: Door) -> None:
    headers = {"Idempotency-Key": "k1", **ASYNC}
    first = await door.ask(headers=headers)
    again = await door.ask(headers=headers)
    assert again.status == 202
    assert again.json["receipt"] == first.json["receipt"]


async def test_a_cancelled_enrollment_says_so_when_asked_again(door: Door) -> None:
    headers = {"Idempotency-Key": "k1", **ASYNC}
    await door.ask(headers=headers)
    await door.settle(await door.only(), Status.CANCELLED)
    again = await door.ask(headers=headers)
    assert (again.status, again.json["status"]) == (202, "cancelled")


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"other"},
        {"target": "/enrollments?x=1"},
        {"method": "PUT"},
        {"headers": {"Content-Type": "text/other"}},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_key_for_another_request_is_refused_and_the_first_untouched(
    door: Door, change: dict[str, object]
) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await door.ask(headers={**key, **ASYNC})
    extra = change.pop("headers", {})
    assert isinstance(extra, dict)
    got = await door.ask(headers={**key, **extra}, **change)  # type: ignore[arg-type]
    assert (got.status, got.problem) == (422, "idempotency-key-reused")
    assert got.json["receipt"] == first.json["id"]
    assert (await door.totals()).accepted == 1
    assert door.delivery.slots == 1_000


async def test_a_hundred_at_once_with_one_key_are_one_enrollment(door: Door) -> None:
    door.delivery.answers = lambda _: None
    headers = {"Idempotency-Key": "k1"}
    asking = [asyncio.ensure_future(door.ask(headers=headers)) for _ in range(100)]
    while sum(each.done() for each in asking) < 99:
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
    await door.settle(await door.only(), Status.DELIVERED, RECORDED)
    answers = await asyncio.gather(*asking)
    assert len({got.headers["Gateway-Receipt"] for got in answers}) == 1
    assert sorted({got.status for got in answers}) == [201, 202]
    assert (await door.totals()).accepted == 1
    assert door.delivery.asked.count("launch") == 1
    assert door.delivery.slots == 999


async def test_a_station_that_goes_away_does_not_take_its_enrollment_with_it(
    tmp_path: Path,
) -> None:
    async with open_door(tmp_path, settings=IntakeSettings(hold_seconds=60.0)) as door:
        door.delivery.answers = lambda _: None
        _, writer = await asyncio.open_connection(*door.address)
        writer.write(
            b"POST /e HTTP/1.1\r\nHost: g\r\nIdempotency-Key: k\r\nContent-Length: 1\r\n\r\nx"
        )
        await until(door.delivery.handed)
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(20):  # well before the hold would end
            while "leave" not in door.delivery.asked:  # noqa: ASYNC110 - the double has no event
                await asyncio.sleep(0.001)
        assert (await door.totals()).accepted == 1
        await door.settle(await door.only(), Status.DELIVERED, RECORDED)
        again = await door.ask(target="/e", headers={"Idempotency-Key": "k"}, body=b"x")
        assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")


async def test_a_journal_that_fails_gives_the_slot_back(tmp_path: Path) -> None:
    async with open_door(tmp_path, journal=_FailingJournal()) as door:
        got = await door.ask()
        assert (got.status, got.problem) == (503, "journal-unavailable")
        assert door.delivery.asked == ["reserve", "withdraw"]


class _FailingJournal(MemoryJournal):
    async def accept(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise JournalFault("no disk")


async def test_a_body_in_chunks_or_compressed_is_kept_as_it_came(door: Door) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"\x1f\x8b not "
        yield b"inflated"

    await door.ask(headers={"Content-Encoding": "gzip"}, body=chunks())
    enrollment = await door.only()
    assert enrollment.body == b"\x1f\x8b not inflated"
    assert header(enrollment.headers, "Content-Encoding") == ["gzip"]
    assert header(enrollment.headers, "Transfer-Encoding") == []


@pytest.mark.parametrize("size", [0, 1, 2046, 2047, 2048, 4094, 16_383, 16_384, 16_385, 100_000])
async def test_the_digest_is_that_of_the_whole_body_whatever_its_size(
    door: Door, size: int
) -> None:
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    await door.ask(body=body)
    enrollment = await door.only()
    assert enrollment.content_sha256 == hashlib.sha256(body).hexdigest()
