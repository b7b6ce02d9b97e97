"""A long outage and a changing server, in real time: nothing tips over, and capacity is found."""

import asyncio
import time
from pathlib import Path

import pytest

from loadtests.logs import Recorded, State, read_ledger
from tests.acceptance.desk import Desk, desk
from tests.acceptance.scene import Scene, scene, until
from tests.faults.effort import effort
from tests.faults.trials import Seen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

CAPACITY = 20.0  # per second
SERVER = ("--workers", "4", "--service-seconds", "0.2", "--collapse-at", "24")
SETTINGS = {"intake.hold_seconds": 1, "upstream.timeout_seconds": 5}
MINUTE = 60.0
MOST_BYTES_EACH = 40_000
LOG_BYTES = 80_000_000  # the most that the write-ahead log may grow to, and some


async def arrive(station: Desk, *, rate: float, seconds: float) -> set[int]:
    """Enrollments at a steady rate; the statuses that their stations saw."""
    began, number = time.monotonic(), 0
    sending: set[asyncio.Task[int]] = set()

    async def send(key: str) -> int:
        return (await station.enroll(key)).status

    while (elapsed := time.monotonic() - began) < seconds:
        while number < elapsed * rate:
            sending.add(asyncio.create_task(send(f"arrival-{number}")))
            number += 1
        await asyncio.sleep(0.02)
    return set(await asyncio.gather(*sending))


def effects(stage: Scene, since: float, until: float) -> int:
    """How many the server recorded between two moments (wall time)."""
    events = read_ledger(stage.folder / "ledger.jsonl")
    return sum(isinstance(event, Recorded) and since <= event.at < until for event in events)


def seconds_until_full(stage: Scene, since: float, capacity: float) -> float | None:
    """When 95 % of a capacity were used for five seconds, within a minute; None: never."""
    for second in range(int(MINUTE)):
        if effects(stage, since + second, since + second + 5) >= 0.95 * 5 * capacity:
            return second
    return None


def size_of(folder: Path) -> int:
    """What the journal takes, in bytes."""
    return sum(file.stat().st_size for file in folder.glob("journal.db*"))


def falls(stage: Scene) -> int:
    """How often the server went down."""
    events = read_ledger(stage.folder / "ledger.jsonl")
    return sum(isinstance(event, State) and event.state == "down" for event in events)


@pytest.mark.fault(
    14,
    did="took the server away while three times its capacity arrived",
    sees="202 for all, the journal grows by what arrived, one attempt for each backoff; the server"
    " never falls over again",
)
async def test_an_outage_at_three_times_the_capacity(tmp_path: Path, seen: Seen) -> None:
    down, look = effort().outage_seconds, effort().look_seconds
    with scene(tmp_path, server=SERVER, settings=SETTINGS) as stage:
        await asyncio.to_thread(stage.start)
        async with desk(stage.gateway.url) as station:
            assert (await station.enroll("before")).status == 201
            stage.server.fault("503", duration_seconds=down)
            before = stage.server.state()["refused"]
            statuses = await arrive(station, rate=3 * CAPACITY, seconds=down - 1)
            assert statuses == {202}
            refused = stage.server.state()["refused"]
            assert isinstance(before, int)
            assert isinstance(refused, int)
            # Those that were out as it went down; then one for each wait of 0.5 s to 5 s.
            assert refused - before <= 16 + down / 0.5
            accepted = stage.gateway.reconciliation()["accepted"]
            assert isinstance(accepted, int)
            assert size_of(tmp_path) < LOG_BYTES + accepted * MOST_BYTES_EACH
            await until(lambda: stage.server.state()["state"] == "up")
            back = time.time()
            share = None
            if look:
                await asyncio.sleep(30 + look)
                share = effects(stage, back + 30, back + 30 + look) / (CAPACITY * look)
                assert share >= 0.95
            else:
                await stage.drained()
        assert falls(stage) == 1
        figures = f"{accepted} accepted in {down:.0f} s, {refused - before} attempts meanwhile"
        seen(figures if share is None else f"{figures}, then {share:.0%} of capacity")


@pytest.mark.fault(
    21,
    did="halved the server's workers in the middle of a drain, then gave it twice as many",
    sees="it never falls over; the new capacity is found",
)
async def test_a_capacity_that_changes_during_the_drain(tmp_path: Path, seen: Seen) -> None:
    look = effort().look_seconds
    backlog = int(CAPACITY * (3 + 9 * look))
    with scene(tmp_path, server=SERVER, settings=SETTINGS) as stage:
        await asyncio.to_thread(stage.start)
        stage.gateway.ask_admin("POST", "pause", {"reason": "to have a backlog"})
        async with desk(stage.gateway.url) as station:
            for first in range(0, backlog, 50):
                keys = [f"key-{number}" for number in range(first, min(first + 50, backlog))]
                await asyncio.gather(*(station.promised(key) for key in keys))
        stage.gateway.ask_admin("POST", "resume")
        await asyncio.sleep(1 + look)
        figures = []
        for factor in (0.5, 2.0):
            span = MINUTE + look if look else 2
            stage.server.fault("capacity", factor=factor, duration_seconds=span)
            changed = time.time()
            await asyncio.sleep(span)
            if look:
                found = seconds_until_full(stage, changed, CAPACITY * factor)
                assert found is not None, f"{factor} times the capacity was not found in a minute"
                share = effects(stage, changed + MINUTE, changed + span) / (
                    CAPACITY * factor * look
                )
                figures.append(f"times {factor}: found in {found:.0f} s, later {share:.0%} of it")
        if not look:
            assert (await stage.drained())["delivered"] == backlog
        assert falls(stage) == 0
        seen("; ".join(figures) or "short: no time to measure what was found")
