"""Too many connections: the idle make room, newcomers are told, what comes ahead is bounded."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from gateway.intake.crowd import TOLD_AT_ONCE, Crowd, Place
from gateway.intake.excess import MOST_AHEAD
from gateway.intake.settings import IntakeSettings
from tests.fuzz.wire import Pipe
from tests.support.door import open_door

HEAD = b"POST /e HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n"


@dataclass(eq=False)
class Connection:
    idle: bool = True
    ended: bool = False

    def force_close(self) -> None:
        self.ended = True


def test_the_one_that_has_been_idle_longest_makes_room() -> None:
    crowd = Crowd(3)
    first, second, third, newcomer = (Connection() for _ in range(4))
    for each in (first, second, third):
        assert crowd.join(each) is Place.ROOM
    crowd.asks(first)
    assert crowd.join(newcomer) is Place.ROOM
    assert [each.ended for each in (first, second, third)] == [False, True, False]


def test_where_nobody_is_idle_newcomers_are_told_and_too_many_of_them_are_cut() -> None:
    crowd = Crowd(200)
    busy = [Connection(idle=False) for _ in range(200)]
    assert {crowd.join(each) for each in busy} == {Place.ROOM}
    told = [Connection(idle=False) for _ in range(TOLD_AT_ONCE)]
    assert {crowd.join(each) for each in told} == {Place.TO_BE_TOLD}
    assert crowd.join(Connection()) is Place.NONE
    crowd.leave(told[0])
    assert crowd.join(Connection()) is Place.TO_BE_TOLD
    crowd.leave(busy[0])
    assert crowd.join(Connection()) is Place.ROOM
    assert not any(each.ended for each in busy)


def test_an_idle_one_is_found_behind_many_busy_ones() -> None:
    crowd = Crowd(300)
    idle = Connection()
    for _ in range(299):
        crowd.join(Connection(idle=False))
    crowd.join(idle)
    places = [crowd.join(Connection(idle=False)) for _ in range(6)]
    assert Place.ROOM in places
    assert idle.ended


async def test_a_station_too_many_gets_a_503_and_those_in_hand_their_answers(
    tmp_path: Path,
) -> None:
    async with open_door(tmp_path, settings=IntakeSettings(max_connections=2)) as door:
        busy = [await asyncio.open_connection(*door.address) for _ in range(2)]
        for number, (_, writer) in enumerate(busy):
            writer.write(HEAD % 2 + b"%d" % number)
        while door.intake._door._in_hand < 2:  # noqa: ASYNC110 - nothing tells that both are read
            await asyncio.sleep(0.001)
        answer = await door.raw(HEAD % 0)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"/_gateway/problems/overloaded" in answer
        assert b"Retry-After: " in answer
        for reader, writer in busy:
            writer.write(b"x")
            assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
        assert (await door.ask()).status == 201
        for _, writer in busy:
            writer.close()


async def test_a_head_without_end_is_refused_before_its_deadline(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        writer.write(b"POST /e HTTP/1.1\r\nHost: g\r\n")
        for number in range(MOST_AHEAD // 1_000 + 2):
            writer.write(b"X-%d: %s\r\n" % (number, b"x" * 1_000))
            await writer.drain()
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.0 400 ")
        assert answer.count(b"HTTP/1.") == 1


async def test_what_comes_far_ahead_is_not_read_and_what_is_in_hand_is_answered(
    tmp_path: Path,
) -> None:
    async with open_door(tmp_path) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        door.delivery.answers = lambda _: None
        writer.write(HEAD % 0)
        while not door.delivery.handed:  # noqa: ASYNC110 - the double has no event
            await asyncio.sleep(0.001)
        many = b"GET /_gateway/jwks.json HTTP/1.1\r\nHost: g\r\nX: %s\r\n\r\n" % (b"x" * 4_000)
        for _ in range(200):
            writer.write(many)
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        door.intake.release()
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 202 ")
        assert answer.count(b"HTTP/1.1 ") < 40


async def test_a_large_body_in_many_reads_is_not_taken_for_a_head(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        first, last = bytes(3_000_000), bytes(2_000_000)
        whole = HEAD % len(first) + first + HEAD % len(last) + last
        answer = await door.raw(whole + b"GET / HTTP/1.0\r\nHost: g\r\nHost: h\r\n\r\n")
        assert answer.count(b"HTTP/1.1 201 ") == 2


async def test_a_body_that_comes_with_a_connections_first_bytes_is_taken(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        server = door.listener._server
        assert server is not None
        connection = server()
        pipe = Pipe(connection)
        connection.connection_made(pipe)
        # Before the handler has begun to wait: a loop may read as soon as it accepts.
        pipe.receive(HEAD % 200_000 + bytes(150_000))
        await asyncio.sleep(0.01)
        pipe.receive(bytes(50_000))
        async with asyncio.timeout(5):
            while not door.delivery.handed:  # noqa: ASYNC110 - the double has no event
                await asyncio.sleep(0.001)
        assert (await door.only()).body == bytes(200_000)
        pipe.lose()


async def test_the_next_request_may_come_before_the_last_is_quite_done_here(
    tmp_path: Path,
) -> None:
    """A station reads its answer a moment before the handler has ended, and sends at once."""
    async with open_door(tmp_path) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        door.delivery.answers = lambda _: None
        writer.write(HEAD % 0)
        while not door.delivery.handed:  # noqa: ASYNC110 - the double has no event
            await asyncio.sleep(0.001)
        size = 4 * MOST_AHEAD
        writer.write(HEAD % size + bytes(size))
        await asyncio.sleep(0.05)  # it is read, as far as it is, while the first is in hand
        for _ in range(2):
            door.intake.release()
            async with asyncio.timeout(5):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 202 ")
                await reader.readuntil(b"}")
            await asyncio.sleep(0.1)
        writer.close()
        assert (await door.totals()).accepted == 2
