"""Crowds at a real gateway: idle connections, too many bytes at once, no file descriptors left."""

import asyncio
import contextlib
import os
import resource
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.desk import desk
from tests.acceptance.processes import Gateway, ask
from tests.acceptance.scene import scene
from tests.support.raw_server import raw_server, silent

pytestmark = pytest.mark.slow

WANTED, SPARE = 10_000, 1_000
HELD = b"POST /e HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nx"  # in hand, and not complete
MEGABYTE = 1_000_000


def few_descriptors(most: int) -> tuple[str, str]:
    """Starts a gateway that may open so many files."""
    return "-c", (
        f"import resource, runpy; resource.setrlimit(resource.RLIMIT_NOFILE, ({most}, {most}));"
        "runpy.run_module('gateway', run_name='__main__', alter_sys=True)"
    )


def memory(gateway: Gateway) -> int:
    """Bytes that it has in memory now."""
    pages = Path(f"/proc/{gateway.running.process.pid}/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextlib.asynccontextmanager
async def connections(url: str, count: int, sent: bytes = b"") -> AsyncIterator["list[Line]"]:
    """So many that stand, each of which sent this much."""
    parts = urlsplit(url)
    lines: list[Line] = []
    try:
        for _ in range(count):
            line = await asyncio.open_connection(parts.hostname, parts.port)
            line[1].write(sent)
            lines.append(line)
        yield lines
    finally:
        for _, writer in lines:
            writer.transport.abort()
        await asyncio.sleep(0)


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def healthy(gateway: Gateway) -> bool:
    """Whether its event loop comes to answer."""
    return (await asyncio.to_thread(ask, "GET", f"{gateway.admin}/healthz"))[0] == 200


@pytest.mark.fault(
    13,
    did="10,000 idle connections (fewer where the limit of open files is low), and more behind",
    sees="an enrollment is taken at once all the while; memory bounded; nobody is shut out",
)
async def test_ten_thousand_idle_connections_cost_little_and_shut_nobody_out(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(WANTED, most - SPARE)
    settings = {"intake.max_connections": count}
    with scene(tmp_path, settings=settings) as stage:
        await asyncio.to_thread(stage.start)
        gateway = stage.gateway
        async with desk(gateway.url) as station:
            assert (await station.enroll("before")).status == 201
            before = memory(gateway)
            async with connections(gateway.url, count + 200):
                began = time.monotonic()
                assert (await station.enroll("meanwhile")).status == 201
                took = time.monotonic() - began
                grown = memory(gateway) - before
                assert await healthy(gateway)
            assert (await station.enroll("after")).status == 201
    seen = f"{count} idle: {grown / count / 1000:.1f} kB each, an enrollment in {took:.2f} s"
    record_property("seen", seen)
    assert grown < count * 40_000, seen
    assert took < 20


@pytest.mark.fault(
    13,
    did="bodies of twice the memory limit at once, none of which is answered soon",
    sees="those beyond it get 503 with Retry-After, memory stays within a few times the limit",
)
async def test_bodies_of_twice_the_limit_at_once_are_refused_beyond_it(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    limit, each, count = 20 * MEGABYTE, MEGABYTE, 40
    settings = {"intake.max_inflight_bytes": limit, "intake.hold_seconds": 3}
    async with raw_server(silent) as server:
        with Gateway(tmp_path, server.url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            async with desk(gateway.url) as station:
                before = peak = memory(gateway)
                asking = [
                    asyncio.create_task(station.enroll(f"k-{number}", bytes(each)))
                    for number in range(count)
                ]
                while not all(task.done() for task in asking):
                    peak = max(peak, memory(gateway))
                    await asyncio.sleep(0.01)
                seen = [await task for task in asking]
                assert await healthy(gateway)
                assert (await station.enroll("after")).status == 202
    refused = [each for each in seen if each.status == 503]
    told = f"{len(refused)} of {count} refused, {(peak - before) / limit:.1f} times the limit"
    record_property("seen", told)
    assert {each.status for each in seen} == {202, 503}
    assert {each.problem for each in refused} == {"overloaded"}
    assert all("Retry-After" in each.headers for each in refused)
    assert len(refused) >= count // 2 - 1
    assert peak - before < 5 * limit, told


@pytest.mark.fault(
    9,
    did="more connections than a gateway that may open 200 files has descriptors for",
    sees="idle ones make room; with none idle 503 or no connection; it answers all the while",
)
async def test_a_gateway_without_descriptors_lives_and_takes_enrollments_again(
    tmp_path: Path,
) -> None:
    with scene(tmp_path) as stage:
        await asyncio.to_thread(stage.start, few_descriptors(200))
        gateway = stage.gateway
        assert "connections_limited" in gateway.running.log.read_text()
        async with desk(gateway.url) as station:
            async with connections(gateway.url, 300):
                assert (await station.enroll("among-the-idle")).status == 201
            async with connections(gateway.url, 300, HELD) as busy:
                await asyncio.sleep(0.5)
                refused = [await first_line(line) for line in busy[100:]]
                assert any(line.startswith(b"HTTP/1.1 503 ") for line in refused)
                assert {line[:13] for line in refused} <= {b"HTTP/1.1 503 ", b""}
                for reader, writer in busy[:5]:
                    writer.write(b"y")
                    assert (await reader.readline()).startswith((b"HTTP/1.1 201", b"HTTP/1.1 202"))
            assert (await station.enroll("after")).status in {201, 202}
            assert await healthy(gateway)
        assert await asyncio.to_thread(gateway.stop) == 0


async def first_line(line: Line) -> bytes:
    """What it is told within a moment; nothing, where it was cut."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(0.2):
            return await line[0].readline()
    return b""
