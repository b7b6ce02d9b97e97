"""Large bodies on their way past the parser: what comes after them, and how they may end."""

import asyncio
import contextlib
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from gateway.intake.connection import StationConnection
from gateway.intake.listener import Listener
from gateway.intake.packet import Packet
from gateway.intake.reading import UPLOADED
from gateway.intake.settings import IntakeSettings
from gateway.intake.tls import server_context
from gateway.intake.upload import PART, Upload
from tests.support.certificates import Authority
from tests.support.door import Door, open_door

ASYNC = b"Prefer: respond-async\r\n"
LARGE = bytes(range(256)) * 4096  # 1 MiB, in which no two neighbours are alike
LIMIT = 20.0
KEYS = itertools.count()

Scene = Callable[[Door], Coroutine[Any, Any, None]]
LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
Loop = Callable[[], asyncio.AbstractEventLoop]


def head(size: int, wish: bytes = b"") -> bytes:
    """Of a request with a key of its own."""
    known = b"POST /e HTTP/1.1\r\nHost: g\r\nIdempotency-Key: k%d\r\n" % next(KEYS)
    return known + b"Content-Length: %d\r\n%s\r\n" % (size, wish)


def play(scene: Scene, folder: Path, loop: Loop, settings: IntakeSettings | None = None) -> None:
    async def played() -> None:
        async with asyncio.timeout(LIMIT), open_door(folder, settings=settings) as door:
            await scene(door)
            assert door.intake._bodies.in_flight == 0

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(played())


@contextlib.asynccontextmanager
async def calling(door: Door) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*door.address)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The next answer's status line; its body is read past."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    (length,) = [int(each[15:]) for each in lines if each.lower().startswith(b"content-length:")]
    await reader.readexactly(length)
    return first


async def uploading(listener: Listener) -> Upload:
    """Wait until a body comes past the parser."""
    while True:
        for station in listener._server.stations if listener._server else ():
            protocol = station.transport.get_protocol() if station.transport else None
            if isinstance(protocol, Upload):
                return protocol
        await asyncio.sleep(0.001)


@LOOPS
@pytest.mark.parametrize("wish", [b"", ASYNC], ids=["kept in the clear", "only sealed"])
def test_a_large_body_comes_whole_and_the_next_request_behind_it_too(
    wish: bytes, loop: Loop, tmp_path: Path
) -> None:
    async def scene(door: Door) -> None:
        async with calling(door) as (reader, writer):
            writer.write(head(len(LARGE), wish) + LARGE[:100])
            await uploading(door.listener)
            # The last of one body, a whole second request, and a third one's head: at one go.
            writer.write(LARGE[100:] + head(3, wish) + b"abc" + head(len(LARGE), wish))
            told = [await answer(reader) for _ in range(2)]
            writer.write(LARGE)
            told.append(await answer(reader))
            expected = b"HTTP/1.1 202 Accepted" if wish else b"HTTP/1.1 201 Created"
            assert told == [expected] * 3
        kept = [await door.journal.load(each) for each in door.delivery.handed]
        bodies = [door.sealer.open(each).body for each in kept if each is not None]
        assert bodies == [LARGE, b"abc", LARGE]

    play(scene, tmp_path, loop)


@LOOPS
def test_a_large_body_is_in_the_clear_only_where_its_station_waits(
    loop: Loop, tmp_path: Path
) -> None:
    async def scene(door: Door) -> None:
        for wish in (ASYNC, b""):
            async with calling(door) as (reader, writer):
                writer.write(head(len(LARGE), wish))
                await uploading(door.listener)
                writer.write(LARGE)
                await answer(reader)
        first, second = door.delivery.handed.values()
        assert (first.body, second.body) == (None, LARGE)

    play(scene, tmp_path, loop)


@LOOPS
def test_a_station_that_goes_away_in_the_middle_leaves_nothing(loop: Loop, tmp_path: Path) -> None:
    async def scene(door: Door) -> None:
        async with calling(door) as (_, writer):
            writer.write(head(len(LARGE)) + LARGE[:-1])
            await uploading(door.listener)
        while door.intake._door._in_hand:  # noqa: ASYNC110 - the intake has no event
            await asyncio.sleep(0.001)
        assert (await door.totals()).accepted == 0

    play(scene, tmp_path, loop)


@LOOPS
def test_a_large_body_that_stops_coming_is_a_request_timeout(loop: Loop, tmp_path: Path) -> None:
    async def scene(door: Door) -> None:
        async with calling(door) as (reader, writer):
            writer.write(head(len(LARGE)) + LARGE[:-1])
            await uploading(door.listener)
            told = await reader.read()
            assert told.startswith(b"HTTP/1.1 408 ")
            assert b"/_gateway/problems/request-timeout" in told
        assert (await door.totals()).accepted == 0

    play(scene, tmp_path, loop, IntakeSettings(body_idle_timeout_seconds=0.1))


@LOOPS
def test_a_slow_upload_that_gets_on_passes(loop: Loop, tmp_path: Path) -> None:
    pauses: list[float] = []
    told = b""

    async def scene(door: Door) -> None:
        nonlocal told
        size = 2 * UPLOADED
        async with calling(door) as (reader, writer):
            writer.write(head(size))
            await uploading(door.listener)
            for start in range(0, size, 8192):
                began = time.monotonic()
                await asyncio.sleep(0.03)
                pauses.append(time.monotonic() - began)
                writer.write(LARGE[start : start + 8192])
            began = time.monotonic()
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                told = await answer(reader)
            pauses.append(time.monotonic() - began)
        if b" 201 " in told:
            assert (await door.only()).body == LARGE[:size]

    # uvloop's clock goes on while the machine stands still: what counts is a station that kept its
    # pace, from its first part to the answer.
    for number in range(20):
        pauses, told = [], b""
        folder = tmp_path / str(number)
        folder.mkdir()
        play(scene, folder, loop, IntakeSettings(body_idle_timeout_seconds=0.1))
        if max(pauses) < 0.08:
            break
    assert b" 201 " in told


@LOOPS
def test_a_large_body_comes_over_tls(loop: Loop, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")

    async def scene(door: Door) -> None:
        listener = Listener(door.intake, tls=server_context(pair.certificate, pair.key))
        host, port = await listener.start("127.0.0.1", 0)
        trusting = ssl.create_default_context(cafile=authority.file)
        reader, writer = await asyncio.open_connection(
            host, port, ssl=trusting, server_hostname="localhost"
        )
        for _ in range(2):
            writer.write(head(len(LARGE)) + LARGE[:100])
            await uploading(listener)
            writer.write(LARGE[100:] + head(3) + b"abc")
            assert [await answer(reader) for _ in range(2)] == [b"HTTP/1.1 201 Created"] * 2
        writer.close()
        bodies = [each.body for each in door.delivery.handed.values()]
        assert bodies == [LARGE, b"abc"] * 2
        listener.stop_accepting()
        await listener.drain(0.2)

    play(scene, tmp_path, loop)


async def test_what_comes_when_the_deadline_has_just_passed_is_not_taken() -> None:
    """A timer and a socket may be ready in the same turn of the event loop, the timer first."""
    packet, told = Packet(len(LARGE), sealed=True, kept=True), list[str]()
    upload = Upload(
        asyncio.Protocol(), packet, idle_seconds=9, completed=lambda: told.append("completed")
    )
    upload.done.cancel()
    upload.buffer_updated(len(upload.get_buffer(-1)))
    upload.end()
    assert (packet.size, told) == (0, [])


class Slow:
    """An upload whose bytes come when the test says so, on a loop whose time stands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, idle_seconds: float = 30.0) -> None:
        loop, self.now, self.looks = asyncio.get_running_loop(), 0.0, list[tuple[float, Any]]()
        monkeypatch.setattr(loop, "time", lambda: self.now)
        monkeypatch.setattr(loop, "call_at", self._call_at)
        monkeypatch.setattr(loop, "call_later", lambda s, f: self._call_at(self.now + s, f))
        self.packet = Packet(len(LARGE), sealed=True, kept=False)
        self.upload = Upload(
            asyncio.Protocol(), self.packet, idle_seconds=idle_seconds, completed=lambda: None
        )

    def _call_at(self, when: float, look: Callable[[], None]) -> asyncio.TimerHandle:
        self.looks.append((when, look))
        return asyncio.TimerHandle(when, look, (), asyncio.get_running_loop())

    def bring(self, size: int, *, after: float) -> None:
        """So many bytes, so many seconds later."""
        until = self.now + after
        while self.looks and self.looks[0][0] <= until:
            self.now, look = self.looks.pop(0)
            look()
        self.now = until
        if size and not self.upload.done.done():
            room = self.upload.get_buffer(-1)
            assert len(room) >= size
            self.upload.buffer_updated(size)

    @property
    def error(self) -> BaseException | None:
        return self.upload.done.exception() if self.upload.done.done() else None


@pytest.mark.parametrize("packet", [125, 1460], ids=["bytes", "full packets"])
async def test_a_line_of_1_kbit_s_is_no_fault(packet: int, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Slow(monkeypatch)
    while line.now < 900:
        line.bring(packet, after=packet / 125)
    assert not line.upload.done.done()


async def test_one_byte_now_and_then_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Slow(monkeypatch)
    line.bring(100_000, after=29)
    while not line.upload.done.done():
        assert line.now < 70
        line.bring(1, after=1)
    assert 59 <= line.now <= 60
    assert isinstance(line.error, TimeoutError)


async def test_a_stall_is_cut_off_a_whole_idle_span_after_the_last_that_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Slow(monkeypatch)
    for _ in range(5):
        line.bring(9000, after=7)
    line.bring(0, after=29.9)
    assert not line.upload.done.done()
    line.bring(0, after=0.2)
    assert isinstance(line.error, TimeoutError)


@LOOPS
def test_a_body_of_many_small_pieces_comes_whole(loop: Loop, tmp_path: Path) -> None:
    """What is gathered until it is worth its sealing is sealed in the end, wherever that is."""

    async def scene(door: Door) -> None:
        size = 2 * PART + 12_345
        async with calling(door) as (reader, writer):
            writer.write(head(size, ASYNC) + LARGE[:11])
            await uploading(door.listener)
            for start in range(11, size, 7_001):
                writer.write(LARGE[start : min(start + 7_001, size)])
                await asyncio.sleep(0)
            assert await answer(reader) == b"HTTP/1.1 202 Accepted"
        (kept,) = [await door.journal.load(each) for each in door.delivery.handed]
        assert kept is not None
        assert door.sealer.open(kept).body == LARGE[:size]

    play(scene, tmp_path, loop)


@LOOPS
@pytest.mark.parametrize("wish", [b"", ASYNC], ids=["kept in the clear", "only sealed"])
def test_a_body_that_comes_all_at_once_goes_past_the_parser_soon(
    wish: bytes, loop: Loop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parsed = list[int]()
    received = StationConnection.data_received

    def counted(connection: StationConnection, data: bytes) -> None:
        parsed.append(len(data))
        received(connection, data)

    monkeypatch.setattr(StationConnection, "data_received", counted)

    async def scene(door: Door) -> None:
        async with calling(door) as (reader, writer):
            for _ in range(3):
                parsed.clear()
                writer.write(head(8 * len(LARGE), wish) + 8 * LARGE + head(3, wish) + b"abc")
                for _ in range(2):
                    assert (await answer(reader))[9:12] == (b"202" if wish else b"201")
                assert sum(parsed) < 400_000, parsed

    play(scene, tmp_path, loop, IntakeSettings(max_body_bytes=8 * len(LARGE)))


@LOOPS
def test_a_refused_body_that_was_held_back_is_read_past(loop: Loop, tmp_path: Path) -> None:
    """Whoever gets its refusal must be able to read it: what it still sends is not left there."""

    async def scene(door: Door) -> None:
        async with calling(door) as (reader, writer):
            for _ in range(2):
                writer.write(head(len(LARGE)) + LARGE + head(3) + b"abc")
                assert (await answer(reader))[9:12] == b"413"
                assert (await answer(reader))[9:12] == b"201"

    play(scene, tmp_path, loop, IntakeSettings(max_body_bytes=len(LARGE) - 1))


@pytest.mark.parametrize("pause", [0.0, 0.05], ids=["all at once", "the end later"])
async def test_chunks_count_in_the_budget_from_the_first_on(pause: float, tmp_path: Path) -> None:
    chunked = b"POST /e HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with open_door(tmp_path, settings=IntakeSettings(max_body_bytes=8)) as door:
        for body, status in ((b"5\r\nhello\r\n", b"201"), (b"9\r\nhello you\r\n", b"413")):
            async with calling(door) as (reader, writer):
                writer.write(chunked + body)
                await asyncio.sleep(pause)
                writer.write(b"0\r\n\r\n")
                assert (await answer(reader))[9:12] == status
            assert door.intake._bodies.in_flight == 0


async def test_chunks_over_the_limit_are_refused_though_they_came_at_one_go(
    tmp_path: Path,
) -> None:
    """All of them are here when the body is first read, and no more will come to look again at."""
    chunked = b"POST /e HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n"
    settings = IntakeSettings(max_body_bytes=8, body_idle_timeout_seconds=1.0)
    async with open_door(tmp_path, settings=settings) as door, calling(door) as (reader, writer):
        writer.write(chunked + b"9\r\nhello you")
        assert (await answer(reader))[9:12] == b"413"


async def test_a_body_for_which_there_is_no_memory_gives_its_budget_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object, **__: object) -> Packet:
        raise MemoryError

    monkeypatch.setattr("gateway.intake.reading.Packet", none_left)
    async with open_door(tmp_path) as door, calling(door) as (reader, writer):
        writer.write(head(len(LARGE)) + LARGE[:100])
        assert await answer(reader) == b"HTTP/1.1 500 Internal Server Error"
        assert door.intake._bodies.in_flight == 0
