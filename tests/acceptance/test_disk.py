"""The journal's disk, full or failing, under a real gateway: what stations and operators see."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.desk import desk, recorded
from tests.acceptance.processes import ask
from tests.acceptance.scene import FORGETFUL_SERVER, scene, until
from tests.support.small_disk import fill, small_disk

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 16) as folder:
        yield folder


def on(disk: Path) -> dict[str, object]:
    """Settings of a gateway whose journal alone is on this disk."""
    return {
        "journal.url": f"sqlite:///{disk}/journal.db",
        "journal.min_free_bytes": 0,
    }


@pytest.mark.fault(
    4,
    did="filled the file system of the journal (a tmpfs of 16 MB) to the last byte",
    sees="503 journal-full with Retry-After, no 202, readyz 503; accepts again by itself within"
    " 10 s of the space's return",
)
async def test_a_full_disk_accepts_nothing_and_recovers_by_itself(
    tmp_path: Path, disk: Path
) -> None:
    with scene(tmp_path, settings=on(disk)) as stage:
        await asyncio.to_thread(stage.start)
        async with desk(stage.gateway.url) as station:
            await station.promised("before")
            filler = fill(disk)
            for number in range(5):
                seen = await station.enroll(f"full-{number}", bytes(50_000))
                assert (seen.status, seen.problem) == (503, "journal-full")
                assert int(seen.headers["Retry-After"]) > 0
            ready, told = await asyncio.to_thread(ask, "GET", f"{stage.gateway.admin}/readyz")
            assert (ready, told["ready"]) == (503, False)
            filler.unlink()
            deadline = time.monotonic() + 60
            while (await station.enroll("after", bytes(50_000))).status == 503:
                assert time.monotonic() < deadline, "it accepts nothing though there is space"
                await asyncio.sleep(0.1)
        await stage.drained()
        assert sorted(recorded(stage)) == ["after", "before"]


@pytest.mark.fault(
    5,
    did="filled the disk while the first of 40 enrollments were out at a server that records each"
    " request anew; killed the gateway with -9 at the end and started it again on the full disk",
    sees="all 40 marked as delivered, in the reserve; after the start none is in doubt or sent"
    " again: each has one effect",
)
async def test_outcomes_are_kept_on_a_full_disk_and_nothing_is_sent_twice(
    tmp_path: Path, disk: Path
) -> None:
    server = (*FORGETFUL_SERVER, "--no-lookup", "--service-seconds", "1", "--workers", "64")
    settings = {**on(disk), "upstream.honours_idempotency_key": False}
    with scene(tmp_path, server=server, settings=settings) as stage:
        gateway = stage.gateway
        await asyncio.to_thread(stage.start)
        async with desk(gateway.url) as station:
            keys = [f"key-{number}" for number in range(40)]
            receipts = await asyncio.gather(*(station.promised(key) for key in keys))
            await until(lambda: bool(gateway.reconciliation()["sending"]))
            fill(disk)
            for receipt in receipts:
                assert (await station.until(receipt, "delivered"))["status"] == "delivered"
        await asyncio.to_thread(gateway.kill)
        await asyncio.to_thread(gateway.launch)
        await asyncio.to_thread(gateway.running.until_up, f"{gateway.admin}/healthz")
        found = await stage.drained()
        assert (found["delivered"], found["dead_letter"]) == (40, 0)
        assert sorted(recorded(stage)) == sorted(keys)
