"""kill -9 of the gateway, again and again, while a surge goes on: nothing lost, nothing doubled."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from loadtests.verdict import PASSED
from tests.acceptance.scene import FORGETFUL, FORGETFUL_SERVER, Scene, harm, meanwhile, scene

SERVER = ("--workers", "4", "--service-seconds", "0.05")


@pytest.fixture
def rng() -> random.Random:
    """Chance, from ENROLLMENT_SEED where a run is to be repeated."""
    seed = int(os.environ.get("ENROLLMENT_SEED", random.SystemRandom().randrange(10**6)))
    print(f"ENROLLMENT_SEED={seed}")  # noqa: T201 - shown with a failure
    return random.Random(seed)


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.fault(
    1,
    did="killed the process 20 times at random moments of a surge, its start among them",
    sees="each enrollment delivered with exactly one effect by two independent logs",
)
async def test_twenty_kills_in_a_surge_lose_and_double_nothing(
    tmp_path: Path, rng: random.Random
) -> None:
    with scene(tmp_path, server=SERVER, settings={"intake.hold_seconds": 2}) as stage:
        await kill_in_a_surge(stage, kills=20, rng=rng, count=360, rate=10.0)


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.fault(
    1,
    did="the same 5 times before a server that ignores keys",
    sees="no second effect",
)
async def test_kills_double_nothing_at_a_server_that_ignores_keys(
    tmp_path: Path, rng: random.Random
) -> None:
    server = (*SERVER, *FORGETFUL_SERVER)
    with scene(tmp_path, server=server, settings={"intake.hold_seconds": 2, **FORGETFUL}) as stage:
        await kill_in_a_surge(stage, kills=5, rng=rng, count=90, rate=10.0)


async def kill_in_a_surge(
    stage: Scene, *, kills: int, rng: random.Random, count: int, rate: float
) -> None:
    """Kill it at random moments of its life, its start among them; then let it drain."""
    await asyncio.to_thread(stage.server.until_listening)
    surge = stage.surge(count, rate, seed=rng.randrange(10**6), async_share=0.3, desks=4)
    async with meanwhile(surge.run(), seconds=120):
        for _ in range(kills):
            stage.gateway.launch()
            await asyncio.sleep(rng.uniform(0.3, 2.7))
            stage.gateway.kill()
        await asyncio.to_thread(stage.gateway.start)
    found = await stage.drained()
    verdict = stage.verdict()
    assert harm(verdict) == {}
    assert verdict.exit_code == PASSED, verdict.sentence
    assert surge.undecided == set()
    assert found["balanced"] is True
    assert found["accepted"] == found["delivered"] == count
