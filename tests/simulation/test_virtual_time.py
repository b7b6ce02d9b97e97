"""On virtual time whatever waits gets on, however short the wait."""

import asyncio
from collections.abc import Coroutine

from simulation.whole.loop import SteppingLoop


async def until(due: float) -> None:
    """Look at the clock and wait for what is left, as a desk does for its receipts."""
    loop = asyncio.get_running_loop()
    while loop.time() < due:  # noqa: ASYNC110 - what it waits for is the time
        await asyncio.sleep(due - loop.time())


def over_at(scene: Coroutine[object, object, None]) -> float:
    """Run it, in a thousand turns at most; what would never end would take them all."""
    loop = SteppingLoop(most=1000)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scene)
    return loop.time()


def test_two_that_wait_by_turns_for_the_rest_of_an_instant_get_on() -> None:
    async def a_turn_later(due: float) -> None:
        await asyncio.sleep(0)
        await until(due)

    async def two() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(until(3e-13))
            group.create_task(a_turn_later(3e-13))

    assert 3e-13 <= over_at(two()) < 1e-8


def test_waits_short_and_long_end_when_they_are_due() -> None:
    async def waits() -> None:
        for due in (0.2, 0.2 + 3e-13, 0.2 + 1e-9, 700.0, 700.0 + 3e-13):
            await until(due)

    assert 700.0 < over_at(waits()) < 700.0 + 1e-8
