"""Bodies that would grow if anyone looked inside."""

import asyncio
import gzip
from pathlib import Path

import pytest

from tests.acceptance.desk import desk
from tests.acceptance.processes import Gateway
from tests.support.raw_server import answering, raw_server

pytestmark = pytest.mark.slow

CREATED = answering(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
INFLATED = 300_000_000


def resident(process: int) -> int:
    """The most memory that a process ever had, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


@pytest.mark.fault(
    31,
    did="a gzip body, and one of 300 kB that would inflate to 300 MB",
    sees="both at the server byte for byte, still compressed; memory grows by a few of their sizes",
)
async def test_a_compressed_body_is_passed_on_as_it_is(tmp_path: Path) -> None:
    bodies = [gzip.compress(b"biodata" * 1000), gzip.compress(bytes(INFLATED))]
    async with raw_server(CREATED) as server:
        with Gateway(tmp_path, server.url) as gateway:
            await asyncio.to_thread(gateway.start)
            process = gateway.running.process.pid
            async with desk(gateway.url) as station:
                assert (await station.enroll("warm")).status == 201
                before = resident(process)
                for number, body in enumerate(bodies):
                    seen = await station.enroll(f"packed-{number}", body, Content_Encoding="gzip")
                    assert seen.status == 201
                grown = resident(process) - before
    packed = server.requests[1:]
    assert [each.partition(b"\r\n\r\n")[2] for each in packed] == bodies
    assert all(b"Content-Encoding: gzip\r\n" in each for each in packed)
    assert grown < INFLATED / 10
