"""What the recording server, the disk and the clock may do, and what a station then sees."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from loadtests.verdict import PASSED
from tests.acceptance import sabotage
from tests.acceptance.desk import desk, recorded
from tests.acceptance.processes import Gateway
from tests.acceptance.scene import FORGETFUL_SERVER, harm, meanwhile, scene, until
from tests.support.raw_server import Behave, answering, raw_server, then_close, then_reset

pytestmark = pytest.mark.slow

IMPATIENT = {"retry.base_seconds": 0.2, "retry.cap_seconds": 0.5, "upstream.timeout_seconds": 2}
CREATED = answering(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")


def upstream(gateway: Gateway) -> dict[str, object]:
    """What the gateway thinks of the server."""
    found = gateway.ask_admin("GET", "status")["upstream"]
    assert isinstance(found, dict)
    return found


async def test_a_server_known_to_be_down_costs_no_station_its_time_and_order_is_kept(
    tmp_path: Path,
) -> None:
    with scene(tmp_path, settings={"upstream.timeout_seconds": 2}) as stage:
        await asyncio.to_thread(stage.start)
        stage.server.fault("refuse", duration_seconds=4)
        async with desk(stage.gateway.url) as station:
            for number in range(6):  # so that it is soon known
                await station.promised(f"early-{number}")
            await in_state(stage.gateway, "open")
            began = time.monotonic()
            keys = [f"citizen-{number}" for number in range(6)]
            seen = [await station.enroll(key, Ordering_Key="desk-1") for key in keys]
            assert time.monotonic() - began < 9  # one hold alone is ten seconds
            assert {each.status for each in seen} == {202}
            for each in seen:
                await station.until(each.headers["Location"], "delivered")
        assert [key for key in recorded(stage) if key in keys] == keys


@pytest.mark.fault(
    17,
    did="a server that records and resets",
    sees="one effect; the receipt ends as delivered",
)
async def test_a_lost_answer_is_one_effect_and_the_station_learns_of_it(tmp_path: Path) -> None:
    with scene(tmp_path, settings={**IMPATIENT, "intake.hold_seconds": 1}) as stage:
        await asyncio.to_thread(stage.start)
        stage.server.fault("lose_answers", duration_seconds=2)
        async with desk(stage.gateway.url) as station:
            seen = await station.enroll("lost")
            assert seen.status == 202
            end = await station.until(seen.headers["Location"], "delivered")
        assert end["attempts"] > 1
        assert recorded(stage) == ["lost"]


@pytest.mark.fault(
    23,
    did="a lost answer of a server without keys and without lookup",
    sees="dead letter after one attempt, one effect",
)
async def test_without_key_and_lookup_a_doubt_is_for_a_person(tmp_path: Path) -> None:
    settings = {"upstream.honours_idempotency_key": False, **IMPATIENT}
    server = (*FORGETFUL_SERVER, "--no-lookup", "--lose-answers", "1")
    with scene(tmp_path, server=server, settings=settings) as stage:
        await asyncio.to_thread(stage.start)
        async with desk(stage.gateway.url) as station:
            receipt = await station.promised("doubtful")
            end = await station.until(receipt, "delivered", "dead_letter")
        assert (end["status"], end["attempts"]) == ("dead_letter", 1)
        assert recorded(stage) == ["doubtful"]


@pytest.mark.fault(
    15,
    did="a server that takes requests and says nothing",
    sees="202 after the hold; both slots stay taken; one effect each",
)
@pytest.mark.fault(
    32,
    did="a station whose line breaks while it is held",
    sees="found again by its key, delivered once",
)
async def test_a_server_that_says_nothing_costs_the_hold_and_keeps_its_slot(tmp_path: Path) -> None:
    settings = {"intake.hold_seconds": 1, "upstream.timeout_seconds": 20}
    with scene(tmp_path, settings=settings) as stage:
        await asyncio.to_thread(stage.start)
        stage.server.fault("hang", duration_seconds=6)
        async with desk(stage.gateway.url) as station:
            leaving = asyncio.create_task(station.enroll("gone-away"))
            await until(lambda: stage.server.state()["received"] == 1)
            leaving.cancel()  # the line breaks while the station is held
            assert (await station.enroll("held")).status == 202
            thought = upstream(stage.gateway)
            assert thought["outstanding"] == 2
            known = [
                (await station.look(f"/_gateway/receipts?idempotency_key={key}")).json
                for key in ("gone-away", "held")
            ]
            assert [receipt["status"] for receipt in known] == ["sending", "sending"]
            # The server hangs up as it returns; the gateway asks again with the same key.
            for receipt in known:
                await station.until(f"/_gateway/receipts/{receipt['id']}", "delivered")
        assert sorted(recorded(stage)) == ["gone-away", "held"]


HALF: dict[str, Behave] = {
    "half-an-answer": then_close(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nhalf"),
    "reset-after-headers": then_reset(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n"),
    "cut-chunk": then_close(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"),
    "no-status-line": then_close(b"201 is what I say\r\n\r\n"),
    "nothing": then_close(),
}


@pytest.mark.fault(
    16,
    did="half an answer, reset after headers, cut chunk, no status line, nothing",
    sees="`in_doubt`, then delivered by another attempt",
)
async def test_half_an_answer_is_never_taken_for_one(tmp_path: Path) -> None:
    wrong = dict(HALF)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wrong.get(key_of(server.requests[-1]), CREATED)(reader, writer)

    settings = {**IMPATIENT, "upstream.timeout_seconds": 0.5}
    async with raw_server(behave) as server:
        with Gateway(tmp_path, server.url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            async with desk(gateway.url) as station:
                receipts = [await station.promised(key) for key in HALF]
                for receipt in receipts:
                    found = await station.until(receipt, "in_doubt", "delivered", "rejected")
                    assert found["status"] == "in_doubt"
                wrong.clear()
                for receipt in receipts:
                    end = await station.until(receipt, "delivered")
                    assert end["attempts"] > 1


@pytest.mark.fault(
    20,
    did="one always 400, one always 500, twenty others",
    sees="400 is final at once; the others flow; the other is a dead letter when too old",
)
async def test_one_that_always_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    answers = {"bad": b"400 Bad Request", "sick": b"500 Internal Server Error"}

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status = answers.get(key_of(server.requests[-1]), b"201 Created")
        await answering(b"HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nok" % status)(reader, writer)

    settings = {**IMPATIENT, "retry.max_age_seconds": 4}
    async with raw_server(behave) as server:
        with Gateway(tmp_path, server.url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            async with desk(gateway.url) as station:
                sick = await station.promised("sick")
                assert (await station.enroll("bad")).status == 400
                for number in range(20):
                    assert (await station.enroll(f"well-{number}")).status == 201
                found = await station.until(sick, "delivered", "dead_letter")
                assert found["status"] == "dead_letter"
                assert found["attempts"] > 1


@pytest.mark.fault(
    19,
    did="401 to all",
    sees="paused with the reason, intake goes on, no dead letter, all delivered after `resume`",
)
async def test_a_credential_that_is_refused_pauses_it_and_costs_no_enrollment(
    tmp_path: Path,
) -> None:
    answer = [b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"]

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (answering(answer[0]) if answer else CREATED)(reader, writer)

    async with raw_server(behave) as server:
        with Gateway(tmp_path, server.url) as gateway:
            await asyncio.to_thread(gateway.start)
            async with desk(gateway.url) as station:
                receipts = [await station.promised(f"key-{number}") for number in range(5)]
                # The server answers from this event loop: it must not wait for the gateway.
                thought = await in_state(gateway, "paused")
                assert "401" in str(thought["reason"])
                found = await asyncio.to_thread(gateway.reconciliation)
                assert (found["pending"], found["dead_letter"]) == (5, 0)
                assert (await station.enroll("meanwhile")).status == 202
                answer.clear()
                await asyncio.to_thread(gateway.ask_admin, "POST", "resume")
                for receipt in receipts:
                    await station.until(receipt, "delivered")


@pytest.mark.fault(
    18,
    did="half of the answers 503, with a Retry-After that is no number, in a surge",
    sees="nothing lost or doubled",
)
async def test_errors_and_a_garbled_retry_after_are_outlived(tmp_path: Path) -> None:
    with scene(tmp_path, server=("--service-seconds", "0.02")) as stage:
        await asyncio.to_thread(stage.start)
        stage.server.fault("errors", status=503, probability=0.5, duration_seconds=3)
        stage.server.fault("retry_after", seconds="as soon as I can", duration_seconds=3)
        async with meanwhile(stage.surge(30, rate=15).run(), seconds=90):
            pass
        await stage.drained()
        verdict = stage.verdict()
        assert harm(verdict) == {}
        assert verdict.exit_code == PASSED, verdict.sentence


@pytest.mark.fault(
    4,
    did="filled the journal to its limit",
    sees="503 `journal-full` with Retry-After; known keys are answered; accepts as it empties",
    stand_in="`journal.max_bytes` for the end of the disk",
)
async def test_a_full_journal_refuses_and_takes_again_as_it_empties(tmp_path: Path) -> None:
    # A small limit stands for a full disk: `min_free_bytes` refuses by the same rule.
    with scene(tmp_path, settings={"journal.max_bytes": 2_000_000}) as stage:
        await asyncio.to_thread(stage.start)
        stage.gateway.ask_admin("POST", "pause", {"reason": "to fill it"})
        async with desk(stage.gateway.url) as station:
            body = bytes(200_000)
            accepted = []
            for number in range(20):
                seen = await station.enroll(f"packet-{number}", body)
                if seen.status != 202:
                    break
                accepted.append(f"packet-{number}")
            assert (seen.status, seen.problem) == (503, "journal-full")
            assert int(seen.headers["Retry-After"]) >= 1
            # What is known already is answered all the same.
            assert (await station.enroll(accepted[0], body)).status == 202
            stage.gateway.ask_admin("POST", "resume")
            found = await stage.drained()
            assert found["accepted"] == found["delivered"] == len(accepted) > 0
            assert (await station.enroll("room-again", body)).status in {201, 202}
            await stage.drained()
        assert sorted(recorded(stage)) == sorted([*accepted, "room-again"])


@pytest.mark.fault(
    11,
    did="moved the wall clock of a running gateway an hour ahead, then back, with a backlog",
    sees="nothing expires, each delivered once",
    stand_in="`time.time` of the process is moved, by a signal",
)
async def test_a_clock_that_jumps_an_hour_either_way_expires_nothing(tmp_path: Path) -> None:
    settings = {**IMPATIENT, "retry.max_age_seconds": 600}
    ahead, back = signal.SIGUSR1, signal.SIGUSR2
    with scene(tmp_path, settings=settings) as stage:
        launcher = ("-m", sabotage.__name__, sabotage.clock_jumps.__name__)
        await asyncio.to_thread(stage.start, launcher)
        stage.server.fault("refuse", duration_seconds=4)
        async with desk(stage.gateway.url) as station:
            receipts = [await station.promised(f"before-{number}") for number in range(4)]
            for jumps in ((ahead,), (back, back)):
                for jump in jumps:
                    stage.gateway.running.signal(jump)
                    await asyncio.sleep(0.1)  # two of a kind that wait would be one
                receipts.append(await station.promised(f"after-{len(receipts)}"))
            for receipt in receipts:
                found = await station.until(receipt, "delivered", "dead_letter")
                assert found["status"] == "delivered"
        assert len(recorded(stage)) == 6


def key_of(request: bytes) -> str:
    """The idempotency key of a raw request."""
    lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    named = (line.partition(b":") for line in lines)
    return next(value.strip().decode() for name, _, value in named if name == b"Idempotency-Key")


async def in_state(gateway: Gateway, state: str) -> dict[str, object]:
    """What the gateway thinks of the server, once that is ``state``."""
    deadline = time.monotonic() + 60
    while (found := await asyncio.to_thread(upstream, gateway))["state"] != state:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
    return found
