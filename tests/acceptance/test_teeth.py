"""The verdict has teeth: a gateway broken in one way turns it red, and a sound one does not.

Each test plays one scene twice, with nothing between the two but the break: so the scene is hard
enough to show it, and no harder than a sound gateway survives.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.verdict import HARMED, PASSED
from tests.acceptance import sabotage
from tests.acceptance.processes import PLAIN
from tests.acceptance.scene import (
    FORGETFUL,
    FORGETFUL_SERVER,
    Scene,
    harm,
    meanwhile,
    scene,
    until,
)
from tests.support.power import lose_power

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SERVER = ("--workers", "4", "--service-seconds", "0.05")
SOUND, BROKEN = False, True


def launcher(break_: Callable[[], None]) -> tuple[str, ...]:
    """How to start a gateway that is broken so."""
    return ("-m", sabotage.__name__, break_.__name__)


def judged(stage: Scene, *, broken: bool, expected: str) -> None:
    """Red, and for the expected reason, if it was broken; else green."""
    verdict = stage.verdict()
    if broken:
        assert verdict.exit_code == HARMED, verdict.sentence
        assert expected in harm(verdict)
    else:
        assert verdict.exit_code == PASSED, verdict.sentence
        assert harm(verdict) == {}


@pytest.mark.parametrize("broken", [SOUND, BROKEN])
async def test_a_promise_before_its_commit_is_found(tmp_path: Path, *, broken: bool) -> None:
    how = sabotage.promise_before_the_commit if broken else sabotage.slow_commit
    with scene(tmp_path, server=SERVER) as stage:
        await asyncio.to_thread(stage.start, launcher(how))
        surge = stage.surge(60, rate=25, async_share=1.0)
        async with meanwhile(surge.run(), seconds=60):
            await asyncio.sleep(2 * sabotage.SLOW_COMMIT_SECONDS)
            stage.gateway.kill()
            await asyncio.to_thread(stage.gateway.start)
        await stage.drained()
        judged(stage, broken=broken, expected="lost_promised")


@pytest.mark.parametrize("broken", [SOUND, BROKEN])
@pytest.mark.fault(
    2,
    did="took the power from a gateway in a surge; and from one that does not sync",
    sees="nothing lost; the one that does not sync is caught by the verdict",
    stand_in="a VFS that keeps a shadow of what was synced",
)
async def test_a_journal_that_is_not_synced_is_found(tmp_path: Path, *, broken: bool) -> None:
    shadows = tmp_path / "shadows"
    careful = launcher(sabotage.power_may_fail)
    with scene(
        tmp_path,
        server=("--workers", "2", "--service-seconds", "0.1"),
        environ={sabotage.SHADOWS: str(shadows)},
    ) as stage:
        # A journal that is on the disk: what is lost later was promised later.
        await asyncio.to_thread(stage.start, careful)
        assert stage.gateway.stop() == 0
        how = launcher(sabotage.never_sync) if broken else careful
        await asyncio.to_thread(stage.gateway.start, how)
        surge = stage.surge(60, rate=60, async_share=1.0)
        async with meanwhile(surge.run(), seconds=60):
            await until(lambda: len(surge.promised) >= 50)
            stage.gateway.kill()
            lose_power(stage.gateway.journal, shadows)
            await asyncio.to_thread(stage.gateway.start, careful)
            # A journal that lost something is noticed, and waits for an operator.
            await asyncio.to_thread(stage.gateway.ask_admin, "POST", "resume")
        await stage.drained()
        judged(stage, broken=broken, expected="lost_promised")


@pytest.mark.parametrize("broken", [SOUND, BROKEN])
async def test_enrollments_that_are_not_deduplicated_are_found(
    tmp_path: Path, *, broken: bool
) -> None:
    server = (*SERVER, *FORGETFUL_SERVER)
    with scene(tmp_path, server=server, settings=FORGETFUL) as stage:
        how = launcher(sabotage.no_deduplication) if broken else PLAIN
        await asyncio.to_thread(stage.start, how)
        async with meanwhile(stage.surge(30, rate=20, twice=True).run(), seconds=60):
            pass
        await stage.drained()
        judged(stage, broken=broken, expected="doubled")


@pytest.mark.fault(
    23,
    did="a server that ignores keys, loses 30 % of its answers and can be asked what it recorded;"
    " and a gateway broken so that it does not ask",
    sees="the lookup decides, no second effect; the broken one is caught by the verdict",
)
@pytest.mark.parametrize("broken", [SOUND, BROKEN])
async def test_a_blind_second_post_is_found(tmp_path: Path, *, broken: bool) -> None:
    server = (*SERVER, *FORGETFUL_SERVER, "--lose-answers", "0.3")
    settings = {**FORGETFUL, "upstream.timeout_seconds": 1, "intake.hold_seconds": 1}
    with scene(tmp_path, server=server, settings=settings) as stage:
        how = launcher(sabotage.blind_second_post) if broken else PLAIN
        await asyncio.to_thread(stage.start, how)
        async with meanwhile(stage.surge(30, rate=20).run(), seconds=90):
            pass
        await stage.drained()
        judged(stage, broken=broken, expected="doubled")


@pytest.mark.parametrize("broken", [SOUND, BROKEN])
async def test_doubt_that_a_restart_forgets_is_found(tmp_path: Path, *, broken: bool) -> None:
    how = launcher(sabotage.forget_doubt) if broken else PLAIN
    settings = {"intake.hold_seconds": 0.5, "upstream.timeout_seconds": 2}
    with scene(tmp_path, server=SERVER, settings=settings) as stage:
        await asyncio.to_thread(stage.start, how)
        surge = stage.surge(60, rate=20)
        async with meanwhile(surge.run(), seconds=60):
            await asyncio.sleep(1.5)  # so that it is known to be up, and several go out at once
            stage.server.fault("hang", duration_seconds=3)
            await attempt_that_hangs(stage)
            stage.gateway.kill()
            await asyncio.to_thread(stage.gateway.start, how)
        await stage.drained()
        judged(stage, broken=broken, expected="lost_promised")


async def attempt_that_hangs(stage: Scene) -> None:
    """Until an attempt is out whose station has gone with its promise."""
    while True:
        found = await asyncio.to_thread(
            stage.gateway.ask_admin, "GET", "enrollments?status=sending"
        )
        items = found["items"]
        assert isinstance(items, list)
        if items:
            await asyncio.sleep(1.0)  # longer than a station is held
            return
        await asyncio.sleep(0.05)
