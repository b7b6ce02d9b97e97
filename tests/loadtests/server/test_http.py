"""The simulated server on real sockets: what a client sees and what the ledger then holds."""

import asyncio
import gzip
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from io import BytesIO
from itertools import count

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ServerDisconnectedError

from loadtests import logs
from loadtests.server.model import Mode
from tests.loadtests.server.conftest import Running, Start


async def eventually(server: Running, **wanted: object) -> dict[str, object]:
    """Ask for the state until it is as wanted, for at most five seconds."""
    state: dict[str, object] = {}
    for _ in range(500):
        state = await server.state()
        if wanted.items() <= state.items():
            return state
        await asyncio.sleep(0.01)
    raise AssertionError(f"{wanted} never came; the state is {state}")


@asynccontextmanager
async def connected(server: Running) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def send_raw(server: Running, data: bytes) -> bytes:
    """Send bytes on a connection of their own and read until the server ends it."""
    async with connected(server) as (reader, writer):
        writer.write(data)
        return await reader.read()


POST = b"POST /e HTTP/1.1\r\nHost: x\r\n"


async def test_an_answer_means_that_the_ledger_has_it(start: Start) -> None:
    server = await start()
    headers = {"Idempotency-Key": '"k-1"', "X-Enrollment": "e-1", "Ordering-Key": "o-1"}
    async with server.session.post(server.url + "/e", data=b"abc", headers=headers) as answer:
        assert answer.status == 201
        assert await answer.json() == {"recorded": True, "number": 1}
        assert answer.headers["Recorded-At"].startswith("20")
        [effect] = server.effects()
    assert (effect.key, effect.enrollment, effect.ordering_key) == ("k-1", "e-1", "o-1")
    assert (effect.sha256, effect.bytes) == (sha256(b"abc").hexdigest(), 3)
    assert effect.received_at <= effect.at
    assert effect.answered


async def test_the_ledger_begins_with_the_server(start: Start) -> None:
    server = await start(collapse_at=7)
    first = next(logs.read_ledger(server.ledger))
    assert isinstance(first, logs.Server)
    assert (first.workers, first.collapse_at, first.honours_key) == (50, 7, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_every_state_changing_method_is_recorded(start: Start, method: str) -> None:
    server = await start()
    async with server.session.request(method, server.url + "/any/path?x=1") as answer:
        assert answer.status == 201
    assert len(server.effects()) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_read_is_answered_and_not_recorded(start: Start, method: str) -> None:
    server = await start()
    async with server.session.request(method, server.url + "/any/path") as answer:
        assert answer.status == 200
    assert not server.effects()


async def test_a_lookup_finds_what_is_recorded_quoted_or_escaped(start: Start) -> None:
    server = await start()
    await server.post(Idempotency_Key='"a \\"b\\""')
    for path, status in {'a%20"b"': 200, "%22a%20%5C%22b%5C%22%22": 200, "c": 404}.items():
        async with server.session.get(f"{server.url}/enrollments/by-key/{path}") as answer:
            assert answer.status == status, path


async def test_a_server_without_lookup_does_not_claim_to_know(start: Start) -> None:
    server = await start(lookup=False)
    await server.post(Idempotency_Key="a")
    async with server.session.get(f"{server.url}/enrollments/by-key/a") as answer:
        assert answer.status == 501


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_is_taken_whole(start: Start, chunked: bool) -> None:  # noqa: FBT001 - a table's column
    server = await start()
    body = bytes(range(256)) * 20_000
    data = BytesIO(body)
    async with server.session.post(server.url, data=data, chunked=chunked or None) as answer:
        assert answer.status == 201
    [effect] = server.effects()
    assert (effect.sha256, effect.bytes) == (sha256(body).hexdigest(), len(body))


async def test_a_compressed_body_is_recorded_as_it_was_sent(start: Start) -> None:
    server, body = await start(), gzip.compress(b"x" * 1000)
    await server.post(body, Content_Encoding="gzip")
    assert server.effects()[0].sha256 == sha256(body).hexdigest()


async def test_a_key_sent_fifty_times_at_once_has_one_effect_and_one_answer(start: Start) -> None:
    server = await start()
    answers = await asyncio.gather(*(server.post(Idempotency_Key="k") for _ in range(50)))
    assert {(status, data["number"]) for status, data in answers} == {(201, 1)}
    assert len(server.effects()) == 1
    assert (await server.state())["received"] == 50


async def test_a_key_that_is_ignored_has_an_effect_each_time(start: Start) -> None:
    server = await start(honours_key=False)
    numbers = [(await server.post(Idempotency_Key="k"))[1]["number"] for _ in range(2)]
    assert numbers == [1, 2]


async def test_a_lost_answer_is_a_reset_after_the_effect(start: Start) -> None:
    server = await start("lose_answers")
    with pytest.raises(ConnectionResetError):
        await send_raw(server, POST + b"Idempotency-Key: k\r\nContent-Length: 1\r\n\r\nx")
    async with server.session.get(f"{server.url}/enrollments/by-key/k") as found:
        assert await found.json() == {"recorded": True, "number": 1}
    assert [effect.answered for effect in server.effects()] == [False]


async def test_half_an_answer_ends_in_the_middle_of_the_body(start: Start) -> None:
    server = await start("half_answer")
    answer = await send_raw(server, POST + b"Content-Length: 1\r\n\r\nx")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201 ")
    assert 0 < len(body) < int(head.rpartition(b" ")[2])
    with pytest.raises(ClientPayloadError):
        await server.post()


async def test_a_collapsed_server_that_refuses_listens_no_more_and_later_again(
    start: Start,
) -> None:
    server = await start(
        workers=1, service_seconds=30, collapse_at=2, down_seconds=4, collapse_mode=Mode.REFUSE
    )
    async with connected(server) as (idle, _):
        results = await asyncio.gather(*(server.post() for _ in range(3)), return_exceptions=True)
        assert all(isinstance(result, ClientConnectionError) for result in results)
        await eventually(server, state="down", mode="refuse")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*server.address)
        assert await idle.read() == b""
    await eventually(server, state="up")
    waits = asyncio.ensure_future(server.post())
    await eventually(server, outstanding=1)
    waits.cancel()


async def test_a_server_that_refuses_without_a_crash_still_answers_who_waits(start: Start) -> None:
    server = await start(service_seconds=1)
    waits = asyncio.ensure_future(server.post())
    await eventually(server, outstanding=1)
    await server.add_fault(kind="refuse", duration_seconds=60)
    assert (await waits)[0] == 201
    with pytest.raises(ClientConnectionError):
        await server.post()


async def test_a_server_that_resets_listens_and_resets(start: Start) -> None:
    server = await start("reset duration_seconds=5")
    with pytest.raises(ConnectionResetError):
        await send_raw(server, POST + b"Content-Length: 1\r\n\r\nx")


async def test_a_server_that_hangs_says_nothing_and_still_tells_its_state(start: Start) -> None:
    server = await start("hang duration_seconds=4")
    waits = asyncio.ensure_future(server.post())
    async with server.session.get(server.url + "/_server/state") as answer:
        assert (await answer.json())["mode"] == "hang"
    await asyncio.sleep(0.2)
    assert not waits.done()
    with pytest.raises(ClientConnectionError):
        await waits
    assert (await server.post())[0] == 201


async def test_a_503_says_when_to_come_again(start: Start) -> None:
    server = await start("503 duration_seconds=5", "retry_after seconds=30")
    async with server.session.post(server.url) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


async def test_a_client_that_leaves_does_not_stop_its_recording(start: Start) -> None:
    server = await start(service_seconds=1)
    async with connected(server) as (_, writer):
        writer.write(POST + b"Content-Length: 1\r\n\r\nx")
        await eventually(server, outstanding=1)
    await eventually(server, outstanding=0)
    assert [effect.answered for effect in server.effects()] == [False]


@pytest.mark.parametrize(
    "rest",
    [
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"Content-Length: 10\r\n\r\nabc",
    ],
)
async def test_half_a_request_is_never_recorded(start: Start, rest: bytes) -> None:
    server = await start()
    async with connected(server) as (reader, writer):
        writer.write(POST + rest)
        writer.write_eof()
        assert b" 201 " not in await reader.read()
    assert (await server.state())["received"] == 0


async def test_a_fault_is_added_while_it_runs(start: Start) -> None:
    server = await start()
    await server.add_fault(kind="errors", status=500)
    async with server.session.post(server.url) as refused:
        assert refused.status == 500


@pytest.mark.parametrize(
    ("body", "says"), [(b'{"kind": "hagn"}', "'hagn'"), (b"[{}]", "fault 1"), (b"hang", "JSON")]
)
async def test_a_misspelt_fault_is_a_400_that_says_why(
    start: Start, body: bytes, says: str
) -> None:
    server = await start()
    async with server.session.post(server.url + "/_server/fault", data=body) as answer:
        assert answer.status == 400
        assert says in (await answer.json())["error"]


async def test_an_unknown_control_path_says_what_there_is(start: Start) -> None:
    server = await start()
    async with server.session.get(server.control + "/") as answer:
        assert answer.status == 404
        assert "/_server/state" in (await answer.json())["error"]


async def test_its_metrics_are_its_totals(start: Start) -> None:
    server = await start()
    await server.post()
    async with server.session.get(server.url + "/metrics") as answer:
        assert answer.content_type == "text/plain"
        lines = (await answer.text()).splitlines()
    values = dict(line.split(" ") for line in lines if not line.startswith("#"))
    assert values == {
        "recording_server_received_total": "1.0",
        "recording_server_recorded_total": "1.0",
        "recording_server_refused_total": "0.0",
        "recording_server_outstanding": "0.0",
        "recording_server_up": "1.0",
        "recording_server_capacity_per_second": "25000.0",
    }


async def test_once_a_second_the_ledger_gets_a_sample(start: Start) -> None:
    server = await start()
    await server.post()
    await asyncio.sleep(1.2)
    sample = next(r for r in logs.read_ledger(server.ledger) if isinstance(r, logs.Sample))
    assert (sample.received, sample.recorded, sample.max_outstanding) == (1, 1, 1)


async def test_a_ledger_that_cannot_be_written_ends_the_server_before_it_answers(
    start: Start,
) -> None:
    writes = count()

    class FullDisk(logs.LogWriter):
        def __init__(self) -> None:
            pass

        def write(self, record: logs.Event) -> None:
            if next(writes) > 0:
                raise OSError(f"the disk is full: no room for a {type(record).__name__}")

    server = await start(ledger=FullDisk())
    with pytest.raises(ServerDisconnectedError):
        await server.post()
    with pytest.raises(OSError, match="the disk is full"):
        await server.task
