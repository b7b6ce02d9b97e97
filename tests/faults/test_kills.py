"""kill -9 at every edge of the way of one enrollment, seed by seed."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from gateway.failpoints import NAMES
from tests.faults.effort import effort
from tests.faults.kills import Outcome, plan_of, run
from tests.faults.trials import Seen

AT_ONCE = 4
OFTEN = 5  # so often at each failpoint: then one at least should die there


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
@pytest.mark.fault(
    1,
    did="each seed: a surge, and a gateway that kills itself (SIGKILL) at the edge and the time of"
    " passing it that the seed draws, every fourth twice; started again",
    sees="each time up within 10 s; by two independent logs nothing lost, nothing doubled",
)
async def test_a_kill_at_any_failpoint_loses_and_doubles_nothing(
    tmp_path: Path, seen: Seen
) -> None:
    given = os.environ.get("ENROLLMENT_SEED")
    seeds = range(effort().kills) if given is None else [int(given)]
    turn = asyncio.Semaphore(AT_ONCE)

    async def play(seed: int) -> Outcome:
        async with turn:
            folder = tmp_path / str(seed)
            folder.mkdir()
            outcome = await run(seed, folder)
            if not outcome.trouble:
                shutil.rmtree(folder)
            return outcome

    outcomes = await asyncio.gather(*(play(seed) for seed in seeds))
    troubles = [
        f"ENROLLMENT_SEED={each.plan.seed} {each.plan.lives}: {each.trouble}"
        for each in outcomes
        if each.trouble
    ]
    assert not troubles, "\n".join(troubles)
    died = sum(len(each.fired) == len(each.plan.lives) for each in outcomes)
    points = {point for each in outcomes for point in each.fired}
    assert died >= 0.8 * len(outcomes), "too many seeds never came to their failpoint"
    if len(outcomes) >= OFTEN * len(NAMES):
        assert points == set(NAMES), "a failpoint was never come to"
    slowest = max(each.up_seconds for each in outcomes)
    seen(
        f"{len(outcomes)} seeds, {died} of them died where they should, at {len(points)} of"
        f" {len(NAMES)} failpoints; slowest start {slowest:.1f} s"
        f" at a load of {os.getloadavg()[0]:.0f}",
    )


def test_the_seeds_go_through_all_failpoints() -> None:
    points = {plan_of(seed).lives[-1].partition("=")[0] for seed in range(len(NAMES))}
    assert points == set(NAMES)
