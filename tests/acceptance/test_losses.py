"""The journal's files, damaged, lost or put back, under a real gateway: it never goes silently."""

import asyncio
import json
import shutil
from pathlib import Path

import apsw
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


def flip(path: Path, at: int) -> None:
    """Change one bit."""
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


@pytest.mark.fault(
    7,
    did="flipped a bit in the sealed body of one of three enrollments of a stopped gateway",
    sees="that one is a dead letter, `unreadable`, and kept; readyz says degraded; the others are"
    " delivered; gone from readyz when a person cancels it",
)
async def test_a_flipped_bit_in_a_record_quarantines_that_one(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        await asyncio.to_thread(stage.start)
        gateway.ask_admin("POST", "pause", {"reason": "so that they stay"})
        async with desk(gateway.url) as station:
            receipts = [
                await station.promised(key, bytes([number]) * 50_000)
                for number, key in enumerate(("first", "second", "third"))
            ]
            assert await asyncio.to_thread(gateway.stop) == 0
            flip(gateway.journal.with_name(f"{gateway.journal.name}.bodies"), 20_000)
            await asyncio.to_thread(gateway.start)
            gateway.ask_admin("POST", "resume")
            found = await stage.drained()
        assert (found["delivered"], found["dead_letter"], len(receipts)) == (2, 1, 3)
        assert len(recorded(stage)) == 2
        ready, told = await asyncio.to_thread(ask, "GET", f"{gateway.admin}/readyz")
        assert (ready, told["degraded"]) == (200, True)
        items = gateway.ask_admin("GET", "enrollments?status=dead_letter")["items"]
        assert isinstance(items, list)
        (dead,) = items
        assert dead["reason"] == "unreadable"
        gateway.ask_admin("POST", f"enrollments/{dead['id']}/cancel")
        _, told = await asyncio.to_thread(ask, "GET", f"{gateway.admin}/readyz")
        assert told["degraded"] is False


def page_of_rows(journal: Path) -> int:
    """Where the first page of enrollments begins in the file."""
    connection = apsw.Connection(str(journal))
    query = "SELECT min(pageno) FROM dbstat WHERE name = 'enrollment' AND pagetype = 'leaf'"
    number = int(connection.execute(query).get)
    connection.close()
    return (number - 1) * 16384


@pytest.mark.fault(
    7,
    did="overwrote a page of rows of a stopped gateway's journal with 200 enrollments; flipped a"
    " bit early in the log of a killed one",
    sees="starts by itself; readyz says degraded and how many are lost; each of the 200 is"
    " delivered or listed as a dead letter `lost`; the damaged file stays beside the journal",
)
@pytest.mark.parametrize("where", ["page", "log"])
async def test_a_damaged_journal_is_salvaged_and_what_is_lost_is_listed(
    tmp_path: Path, where: str
) -> None:
    keys = [f"key-{number}" for number in range(200)]
    with scene(tmp_path, server=("--service-seconds", "0.01")) as stage:
        gateway = stage.gateway
        await kept(stage, *keys)
        if where == "page":
            assert await asyncio.to_thread(gateway.stop) == 0
            at = page_of_rows(gateway.journal)
            raw = gateway.journal.read_bytes()
            gateway.journal.write_bytes(raw[:at] + b"\xff" * 16384 + raw[at + 16384 :])
        else:
            await asyncio.to_thread(gateway.kill)
            flip(log_of(gateway), 32 + 3 * (16384 + 24) + 1000)
        await asyncio.to_thread(gateway.start)
        _, told = await asyncio.to_thread(ask, "GET", f"{gateway.admin}/readyz")
        assert "salvaged" in str(told["reason"])
        assert "journal_degraded" in gateway.running.tail()
        gateway.ask_admin("POST", "resume")
        found = await stage.drained()
        lost = 200 - len(recorded(stage))
        assert (found["delivered"], found["dead_letter"]) == (200 - lost, lost)
        assert (0 < lost < 200) if where == "page" else lost == 0
        assert "damaged-" in str(told["reason"])
