"""Several gateways on a real three-node PostgreSQL: whatever dies, nothing is lost or doubled."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.cluster import cluster, template
from tests.acceptance.group import Group, group
from tests.acceptance.scene import FORGETFUL, FORGETFUL_SERVER, meanwhile
from tests.acceptance.seeds import Back, good, summary, tried
from tests.faults.trials import Seen

SEEDS: Final = int(os.environ.get("ENROLLMENT_CLUSTER_SEEDS", "1"))
"""How many of each: ``make cluster`` asks for 20."""
FIRST: Final = int(os.environ.get("ENROLLMENT_CLUSTER_FIRST", "0"))
"""The first of them: to repeat one."""
SERVER: Final = ("--workers", "4", "--service-seconds", "0.05")
COUNT, RATE = 150, 15.0
LEASE_SECONDS: Final = 5.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Path]:
    """Stopped nodes to copy."""
    with template() as folder:
        yield folder


def server_of(seed: int) -> tuple[tuple[str, ...], dict[str, object]]:
    """Every other server ignores keys, and can be asked what it recorded."""
    settings: dict[str, object] = {"intake.hold_seconds": 2}
    return ((*SERVER, *FORGETFUL_SERVER), settings | FORGETFUL) if seed % 2 else (SERVER, settings)


async def surge_with(stage: Group, seed: int, fault: "Fault") -> Back:
    """A surge in the middle of which something happens; then it drains, and is judged."""
    rng = random.Random(seed)
    await asyncio.to_thread(stage.start)
    surge = stage.surge(COUNT, RATE, seed=seed, async_share=0.4, desks=4)
    async with meanwhile(surge.run(), seconds=120):
        await asyncio.sleep(rng.uniform(1.5, 5.0))
        moment = await fault(stage, rng)
    stage.unharmed(surge, await stage.drained())
    return stage.back_after(moment)


class Fault:
    """Something that happens; answers with the moment from which on things must come back."""

    name: str

    async def __call__(self, stage: Group, _rng: random.Random, /) -> float:
        raise NotImplementedError


class PrimaryKilled(Fault):
    """The database's primary dies with all its processes, and a standby is promoted."""

    name = "primary killed"

    async def __call__(self, stage: Group, _rng: random.Random, /) -> float:
        return await asyncio.to_thread(stage.cluster.fail_over)


class GatewayKilled(Fault):
    """A gateway dies: mostly the one that delivers."""

    name = "gateway killed"

    async def __call__(self, stage: Group, rng: random.Random, /) -> float:
        delivering = await asyncio.to_thread(stage.delivering)
        others = [each for each in stage.running if each is not delivering]
        victim = delivering if rng.random() < 0.8 else rng.choice(others)
        victim.kill()
        return time.time()


class GatewayStopped(Fault):
    """The one that delivers stands still for longer than its lease, then goes on."""

    name = "gateway stopped"

    async def __call__(self, stage: Group, rng: random.Random, /) -> float:
        delivering = await asyncio.to_thread(stage.delivering)
        moment = time.time()
        delivering.running.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(LEASE_SECONDS + rng.uniform(1.5, 3.0))
        finally:
            delivering.running.signal(signal.SIGCONT)
        return moment


@pytest.mark.fault(
    38,
    did="killed the primary in a surge and promoted the standby that had most",
    sees="intake and delivery go on within seconds; 0 lost, 0 doubled",
)
@pytest.mark.timeout(60 + 120 * SEEDS)
async def test_a_primary_that_is_killed_costs_seconds_and_nothing_else(
    tmp_path: Path, nodes: Path, seen: Seen
) -> None:
    async def one(seed: int) -> Back:
        folder = tmp_path / str(seed)
        folder.mkdir()
        server, settings = server_of(seed)
        with (
            cluster(nodes) as three,
            group(folder, three, server=server, settings=settings) as stage,
        ):
            return await surge_with(stage, seed, PrimaryKilled())

    results = await tried(PrimaryKilled.name, range(FIRST, FIRST + SEEDS), one)
    seen(summary(results))
    assert good(results), summary(results)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            GatewayKilled(),
            marks=pytest.mark.fault(
                39,
                did="killed a gateway in a surge, mostly the one that delivers",
                sees="another delivers after the lease; 0 lost, 0 doubled",
            ),
            id="gateway_killed",
        ),
        pytest.param(
            GatewayStopped(),
            marks=pytest.mark.fault(
                40,
                did="stopped the delivering gateway past its lease, then continued it",
                sees="it sends nothing under the old lease; 0 lost, 0 doubled",
            ),
            id="gateway_stopped",
        ),
    ],
)
@pytest.mark.timeout(60 + 120 * SEEDS)
async def test_a_gateway_that_dies_or_stands_still_costs_seconds_and_nothing_else(
    tmp_path: Path, nodes: Path, seen: Seen, fault: Fault
) -> None:
    with cluster(nodes) as three:

        async def one(seed: int) -> Back:
            # One seed alone is one of the harder kind: a server that ignores keys.
            server, settings = server_of(seed + 1)
            folder = tmp_path / str(seed)
            folder.mkdir()
            with group(
                folder, three, schema=f"seed_{seed}", server=server, settings=settings
            ) as stage:
                return await surge_with(stage, seed, fault)

        results = await tried(fault.name, range(FIRST, FIRST + SEEDS), one)
    seen(summary(results))
    assert good(results), summary(results)
