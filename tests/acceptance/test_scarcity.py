"""A gateway that runs out of what it lives on: descriptors, a disk that takes writes."""

import asyncio
import contextlib
import os
import resource
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.acceptance import sabotage
from tests.acceptance.desk import desk, recorded
from tests.acceptance.processes import ask
from tests.acceptance.scene import scene

pytestmark = pytest.mark.slow


@pytest.mark.fault(
    9,
    did="made the disk of a running gateway's journal refuse every write, then take them again",
    sees="503 `journal-unavailable`, healthz 200 meanwhile; accepts and delivers after it",
    stand_in="a VFS of SQLite that answers as a file system remounted read-only does",
)
async def test_a_disk_that_takes_no_write_is_a_503_and_passes(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        launcher = ("-m", sabotage.__name__, sabotage.read_only.__name__)
        await asyncio.to_thread(stage.start, launcher)
        async with desk(stage.gateway.url) as station:
            await station.promised("before")
            await stage.drained()
            stage.gateway.running.signal(signal.SIGUSR1)
            await asyncio.sleep(0.2)
            for number in range(5):
                seen = await station.enroll(f"refused-{number}")
                assert (seen.status, seen.problem) == (503, "journal-unavailable")
                assert int(seen.headers["Retry-After"]) > 0
            assert (await asyncio.to_thread(ask, "GET", f"{stage.gateway.admin}/healthz"))[0] == 200
            stage.gateway.running.signal(signal.SIGUSR2)
            await asyncio.sleep(0.2)
            assert (await station.enroll("after")).status in {201, 202}
        await stage.drained()
        assert sorted(recorded(stage)) == ["after", "before"]


@pytest.mark.fault(
    6,
    did="let every sync of a running gateway's journal fail, under ten stations at once",
    sees="503 to all ten, the process ends non-zero within 10 s; started again, what was promised"
    " before is delivered once",
    stand_in="a VFS of SQLite that fails on command",
)
async def test_a_sync_that_fails_ends_the_process_and_promises_nothing(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        launcher = ("-m", sabotage.__name__, sabotage.sync_fails.__name__)
        await asyncio.to_thread(stage.start, launcher)
        async with desk(gateway.url) as station:
            await station.promised("before")
            await stage.drained()
            gateway.running.signal(signal.SIGUSR1)
            await asyncio.sleep(0.2)
            asked = [station.enroll(f"in-vain-{number}") for number in range(10)]
            for seen in await asyncio.gather(*asked, return_exceptions=True):
                # One that comes when the process is about to end finds nobody.
                if not isinstance(seen, aiohttp.ClientError):
                    assert not isinstance(seen, BaseException)
                    assert (seen.status, seen.problem) == (503, "journal-unavailable")
        assert await asyncio.to_thread(gateway.running.process.wait, 10) == 1
        assert "check the disk" in gateway.running.tail()
        gateway.part = None
        await asyncio.to_thread(gateway.start)
        found = await stage.drained()
        keys = recorded(stage)
        assert keys.count("before") == 1
        assert found["balanced"] is True
        assert len(keys) == len(set(keys)) == found["delivered"]


@pytest.mark.fault(
    9,
    did="took the descriptors of a running gateway away (prlimit), and opened 100 connections",
    sees="a station that is connected is answered, the loop lives; new ones are served as soon as"
    " the strangers leave",
)
async def test_without_descriptors_the_loop_lives(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        await asyncio.to_thread(stage.start)
        process = stage.gateway.running.process.pid
        host, port = stage.gateway.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        opened = len(list(Path(f"/proc/{process}/fd").iterdir()))  # noqa: ASYNC240 - a moment
        usual = resource.prlimit(process, resource.RLIMIT_NOFILE, (opened + 20, 20_000))
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(100):
                _, stranger = await asyncio.open_connection(host, int(port))
                stack.callback(stranger.close)
            await asyncio.sleep(0.5)
            writer.write(
                b"POST /e HTTP/1.1\r\nHost: g\r\nPrefer: respond-async\r\nContent-Length: 9\r\n"
                b"\r\nconnected"
            )
            async with asyncio.timeout(20):
                assert (await reader.readline()).split()[1] in {b"202", b"503"}
            os.kill(process, 0)  # it lives
        resource.prlimit(process, resource.RLIMIT_NOFILE, usual)
        writer.close()
        async with desk(stage.gateway.url) as station:
            assert (await station.enroll("after")).status in {201, 202}
        assert (await asyncio.to_thread(ask, "GET", f"{stage.gateway.admin}/readyz"))[0] == 200
        await stage.drained()
        assert "after" in recorded(stage)
