"""What is not kept is passed on as it is, and asked again only when that changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from gateway.core.facts import RequestOutcome, UpstreamState
from gateway.core.routes import Mode, Route
from gateway.intake.settings import IntakeSettings
from gateway.intake.stations import hash_token
from tests.support.door import Door, open_door

Upstream = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
RELAYED = IntakeSettings(
    hold_seconds=0.5, routes=(Route("/login", frozenset({"POST"}), Mode.RELAY),)
)


class Server:
    """An upstream that answers with a list of statuses, the last one for ever, and remembers."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses) or [200]
        self.seen: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(
            status=status,
            body=b"\x1f\x8bas it is",
            headers={"Content-Encoding": "gzip", "X-Server": "1", "Set-Cookie": "a=b"},
        )


async def read(door: Door, method: str = "GET", target: str = "/list?a=%2F") -> int:
    return (await door.ask(method, target, body=None)).status


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PROPFIND"])
async def test_a_read_is_passed_on_as_it_is(tmp_path: Path, method: str) -> None:
    server = Server()
    async with open_door(tmp_path, upstream=server) as door:
        got = await door.ask(
            method, "/list?a=%2F&b", headers={"X-Desk": "1", "TE": "trailers"}, body=None
        )
        (seen,) = server.seen
        assert (seen.method, seen.raw_path) == (method, "/list?a=%2F&b")
        assert seen.headers["X-Desk"] == "1"
        assert seen.headers["Via"] == "1.1 enrollment-gateway"
        assert seen.headers["Forwarded"].startswith("for=127.0.0.1;host=")
        assert seen.headers["Host"] == f"{door.upstream.host}:{door.upstream.port}"
        unasked = {"TE", "User-Agent", "Accept", "Accept-Encoding", "Idempotency-Key"}
        assert not unasked & set(seen.headers)
        assert (got.status, got.body) == (200, b"\x1f\x8bas it is")
        assert got.headers["Content-Encoding"] == "gzip"
        assert got.headers["Set-Cookie"] == "a=b"
        assert (await door.totals()).accepted == 0
        assert door.finished().outcome is RequestOutcome.RELAYED


@pytest.mark.parametrize("target", ["/list?", "/list%3F?", "/list??", "/list?a=?", "/list"])
async def test_an_empty_query_is_not_the_same_as_none(tmp_path: Path, target: str) -> None:
    server = Server()
    async with open_door(tmp_path, upstream=server) as door:
        # As bytes: the client of the tests would drop the mark itself.
        head = f"GET {target} HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n"
        assert (await door.raw(head.encode())).startswith(b"HTTP/1.1 200 ")
        assert [seen.raw_path for seen in server.seen] == [target]


@pytest.mark.fault(
    33,
    did="HEAD",
    sees="the length, and no body",
    stand_in="a small upstream in the same process",
)
async def test_the_length_of_an_answer_to_head_is_passed_on(tmp_path: Path) -> None:
    async with open_door(tmp_path, upstream=Server()) as door:
        got = await door.ask("HEAD", "/list", body=None)
        assert (got.headers["Content-Length"], got.body) == ("10", b"")


async def test_a_redirect_is_the_stations_to_follow(tmp_path: Path) -> None:
    server = Server(302)
    async with open_door(tmp_path, upstream=server) as door:
        assert await read(door) == 302
        assert len(server.seen) == 1


@pytest.mark.parametrize("first", [502, 503, 504, 0])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_read_is_asked_again_within_the_hold(
    tmp_path: Path, first: int, method: str
) -> None:
    server = Server(first, first, 200)
    async with open_door(tmp_path, upstream=server) as door:
        assert await read(door, method) == 200
        assert len(server.seen) == 3


async def test_when_the_hold_is_over_the_servers_last_answer_is_passed_on(tmp_path: Path) -> None:
    server = Server(503)
    async with open_door(tmp_path, upstream=server, settings=RELAYED) as door:
        got = await door.ask("GET", "/list", body=None)
        assert (got.status, got.problem, got.headers["X-Server"]) == (503, None, "1")


@pytest.mark.parametrize("status", [500, 404, 429])
async def test_other_answers_are_final(tmp_path: Path, status: int) -> None:
    server = Server(status)
    async with open_door(tmp_path, upstream=server) as door:
        assert await read(door) == status
        assert len(server.seen) == 1


@pytest.mark.parametrize("first", [503, 0])
async def test_a_relayed_post_is_never_kept_and_never_repeated(tmp_path: Path, first: int) -> None:
    server = Server(first, 200)
    async with open_door(tmp_path, upstream=server, settings=RELAYED) as door:
        got = await door.ask("POST", "/login", headers={"Idempotency-Key": "k"}, body=b"secret")
        assert got.status == 503
        assert server.bodies == [b"secret"]
        assert server.seen[0].headers["Idempotency-Key"] == "k"
        assert (await door.totals()).accepted == 0
        assert door.intake._bodies.in_flight == 0


async def test_with_nothing_to_try_it_with_a_read_finds_out_whether_the_server_is_back(
    tmp_path: Path,
) -> None:
    async with open_door(tmp_path, upstream=Server()) as door:
        door.delivery.state, door.delivery.waiting = UpstreamState.OPEN, 0
        assert await read(door) == 200


async def test_a_stations_token_stays_here_and_the_gateways_own_goes_on(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    digest = hash_token("mine")
    tokens.write_text(f'{{"stations": [{{"name": "one", "token_sha256": "{digest}"}}]}}')
    server = Server()
    mine = {"Authorization": "Bearer mine"}
    async with open_door(tmp_path, upstream=server, tokens=tokens) as door:
        await door.ask("GET", "/list", headers=mine, body=None)
        await door.ask("POST", "/e", headers=mine)
        assert "Authorization" not in server.seen[0].headers
        assert "Authorization" not in dict((await door.only()).headers)
    async with open_door(
        tmp_path, upstream=server, tokens=tokens, authorization=lambda: "Basic own"
    ) as door:
        await door.ask("GET", "/list", headers=mine, body=None)
        assert server.seen[-1].headers["Authorization"] == "Basic own"


async def test_half_an_answer_is_seen_as_half(tmp_path: Path) -> None:
    async def half(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with open_door(tmp_path, upstream=half) as door:
        answer = await door.raw(b"GET /x HTTP/1.1\r\nHost: g\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"half" in answer
        assert not answer.endswith(b"0\r\n\r\n")


async def test_a_station_that_goes_away_is_not_asked_for_any_more(tmp_path: Path) -> None:
    asked, dropped = asyncio.Event(), asyncio.Event()

    async def hang(_: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        try:
            await asyncio.sleep(60)
        finally:
            dropped.set()
        return web.Response()

    async with open_door(tmp_path, upstream=hang) as door:
        _, writer = await asyncio.open_connection(*door.address)
        writer.write(b"GET /x HTTP/1.1\r\nHost: g\r\n\r\n")
        await asked.wait()
        writer.close()
        while door.intake._door._in_hand:  # noqa: ASYNC110 - nothing tells that a request was dropped
            await asyncio.sleep(0.001)
