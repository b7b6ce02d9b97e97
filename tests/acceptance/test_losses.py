"""The journal's files, damaged, lost or put back, under a real gateway: it never goes silently."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from tests.acceptance.desk import desk, recorded
from tests.acceptance.processes import Gateway, ask
from tests.acceptance.scene import Scene, scene, until

pytestmark = pytest.mark.slow


async def kept(stage: Scene, *keys: str) -> None:
    """A gateway that is paused and has these enrollments, running."""
    await asyncio.to_thread(stage.start)
    stage.gateway.ask_admin("POST", "pause", {"reason": "so that they stay"})
    async with desk(stage.gateway.url) as station:
        for key in keys:
            await station.promised(key)


def log_of(gateway: Gateway) -> Path:
    """The journal's write-ahead log."""
    return gateway.journal.with_name(f"{gateway.journal.name}-wal")


@pytest.mark.fault(
    8,
    did="cut the journal of a killed gateway to 0 bytes; removed it; started the gateway each time",
    sees="exit 1, and what to do: nothing is begun anew; put back, all is there",
)
@pytest.mark.parametrize("how", ["emptied", "removed"])
async def test_a_journal_that_is_gone_is_never_begun_anew(tmp_path: Path, how: str) -> None:
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        await kept(stage, "first", "second")
        await asyncio.to_thread(gateway.kill)
        aside = tmp_path / "aside"
        aside.mkdir()
        for file in (gateway.journal, log_of(gateway)):
            file.rename(aside / file.name)
        if how == "emptied":
            gateway.journal.touch()
        for _ in range(2):
            gateway.launch()
            code = await asyncio.to_thread(gateway.running.process.wait, 30)
            assert code == 1
            assert "Put it back" in gateway.running.tail()
            gateway.part = None
        for file in aside.iterdir():
            file.rename(gateway.journal.with_name(file.name))
        await asyncio.to_thread(gateway.start)
        gateway.ask_admin("POST", "resume")
        await stage.drained()
        assert sorted(recorded(stage)) == ["first", "second"]


@pytest.mark.fault(
    8,
    did="removed the write-ahead log of a killed gateway, and started it again",
    sees="starts paused, and says why in the log, the status and readyz; nothing is sent before a"
    " person resumes; what waited goes out as in doubt",
)
async def test_a_log_that_is_gone_pauses_delivery_and_says_so(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        await kept(stage, "written-back")
        assert await asyncio.to_thread(gateway.stop) == 0
        await asyncio.to_thread(gateway.start)
        async with desk(gateway.url) as station:
            await station.promised("only-in-the-log")
        await asyncio.to_thread(gateway.kill)
        log_of(gateway).unlink()
        await asyncio.to_thread(gateway.start)
        status = gateway.ask_admin("GET", "status")
        assert "log is gone" in json.dumps(status["paused"])
        assert "journal_restored" in gateway.running.tail()
        listed = gateway.ask_admin("GET", "enrollments")["items"]
        assert [item["status"] for item in listed] == ["in_doubt"]  # type: ignore[attr-defined]
        assert recorded(stage) == []
        gateway.ask_admin("POST", "resume")
        await stage.drained()
        assert recorded(stage) == ["written-back"]


@pytest.mark.fault(
    8,
    did="put the journal back as it was before its enrollments were delivered, at a server that"
    " records each request anew and can be asked; resumed",
    sees="starts paused, readyz degraded with how many are missing at least; after the resume what"
    " was delivered is found there and not sent again",
)
async def test_a_restored_journal_sends_nothing_again(tmp_path: Path) -> None:
    settings = {
        "upstream.honours_idempotency_key": False,
        "upstream.lookup_path": "/enrollments/by-key/{key}",
        "upstream.settle_seconds": 0.5,
    }
    with scene(tmp_path, server=("--ignore-keys",), settings=settings) as stage:
        gateway = stage.gateway
        await kept(stage, "first", "second")
        assert await asyncio.to_thread(gateway.stop) == 0
        backup = tmp_path / "backup"
        shutil.copy(gateway.journal, backup)
        await asyncio.to_thread(gateway.start)
        gateway.ask_admin("POST", "resume")
        async with desk(gateway.url) as station:
            receipt = await station.promised("third")
            await station.until(receipt, "delivered")
        await stage.drained()
        assert await asyncio.to_thread(gateway.stop) == 0
        backup.rename(gateway.journal)
        await asyncio.to_thread(gateway.start)
        _, told = await asyncio.to_thread(ask, "GET", f"{gateway.admin}/readyz")
        assert told["degraded"] is True
        assert "at least 1 accepted" in str(told["reason"])
        gateway.ask_admin("POST", "resume")
        await until(lambda: gateway.reconciliation()["delivered"] == 2)
        assert sorted(recorded(stage)) == ["first", "second", "third"]
