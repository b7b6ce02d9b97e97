"""The real proxies on their real configurations, in front of a small server."""

import asyncio
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from loadtests.parts import PartError
from loadtests.peers import CONFIGS, PEERS, Peer, PeerError, Told
from loadtests.server.model import Model
from loadtests.stations import HABITS, usual_habit
from loadtests.via import VIAS, proxy

SERVER = Model(workers=4, service_seconds=0.1, knee=6)


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest) -> Peer:
    found = PEERS[request.param]
    try:
        found.command(Told("127.0.0.1:1", "127.0.0.1:2", request.getfixturevalue("tmp_path"), 1, 1))
    except PeerError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    return found


@pytest.mark.slow
async def test_an_enrollment_passes_unchanged_and_is_sent_once(peer: Peer, tmp_path: Path) -> None:
    body = os.urandom(700_000)
    seen: Counter[str] = Counter()

    async def record(request: web.BaseRequest) -> web.Response:
        seen[f"{request.method} {request.path_qs}"] += 1
        if request.method == "GET":
            return web.Response()
        assert await request.read() == body
        assert request.headers["X-Enrollment"] == "one"
        return web.Response(status=201, headers={"Recorded-At": "now"})

    async with (
        RawTestServer(record, host="127.0.0.1") as upstream,
        aiohttp.ClientSession() as session,
        proxy(session, peer, str(upstream.make_url("")).rstrip("/"), tmp_path, SERVER) as way,
        session.post(
            f"{way.url}/enrollments?desk=1", data=body, headers={"X-Enrollment": "one"}
        ) as answer,
    ):
        assert (answer.status, answer.headers["Recorded-At"]) == (201, "now")
    assert seen["POST /enrollments?desk=1"] == 1


@pytest.mark.slow
async def test_a_crowd_is_kept_from_the_server_as_far_as_the_proxy_can(
    peer: Peer, tmp_path: Path
) -> None:
    """The configuration is in force: nginx paces, HAProxy and Caddy queue, two refuse."""
    now = most = 0

    async def record(request: web.BaseRequest) -> web.Response:
        nonlocal now, most
        if request.method == "GET":
            return web.Response()
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.3)
        now -= 1
        return web.Response(status=201)

    async with (
        RawTestServer(record, host="127.0.0.1") as upstream,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        proxy(session, peer, str(upstream.make_url("")).rstrip("/"), tmp_path, SERVER) as way,
    ):

        async def one(turn: int) -> int:
            # Within the first one's time, but not at one instant: Caddy looks at how many are in
            # hand before it counts the new one, so of two that look together both may pass.
            await asyncio.sleep(turn * 0.008)
            async with session.post(f"{way.url}/enrollments", data=b"x") as answer:
                return answer.status

        statuses = Counter(await asyncio.gather(*(one(turn) for turn in range(24))))
    assert 0 < most <= (14 if peer.name == "nginx" else 6), most
    assert statuses[201] >= most
    if peer.name not in {"traefik", "envoy"}:
        assert statuses == {201: 24}


async def test_a_program_that_is_missing_is_named_with_what_to_install(tmp_path: Path) -> None:
    missing = replace(PEERS["nginx"], program="no-such-program", install="apt-get install it")
    with pytest.raises(PeerError, match="no-such-program is not installed: apt-get install it"):
        async with (
            aiohttp.ClientSession() as session,
            proxy(session, missing, "http://127.0.0.1:1", tmp_path, SERVER),
        ):
            raise AssertionError("it cannot have started")


@pytest.mark.slow
async def test_a_configuration_that_is_refused_shows_the_reason(tmp_path: Path) -> None:
    peer = PEERS["caddy"]
    broken = replace(peer, arguments=("run", "--no-such-option"))
    with pytest.raises(PartError, match="no-such-option"):
        async with (
            aiohttp.ClientSession() as session,
            proxy(session, broken, "http://127.0.0.1:1", tmp_path, SERVER),
        ):
            raise AssertionError("it cannot have started")


def test_every_configuration_has_its_proxy_and_every_proxy_a_habit_of_its_desks() -> None:
    used = {name for peer in PEERS.values() for name in peer.configs}
    assert used == {path.name for path in CONFIGS.iterdir()}
    assert {usual_habit(via) for via in VIAS} <= set(HABITS)
    assert usual_habit("gateway") == "careful"
    assert usual_habit("nginx") == usual_habit("direct") == "presses-enter"
