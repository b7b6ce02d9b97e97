"""Stopped for longer than a deadline, a process misses none on this loop, if its wait is not."""

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.support.steady_loop import SteadyLoop


async def in_time(seconds: float) -> bool:
    """Whether a wait of so many ends before a deadline of half a second."""
    try:
        async with asyncio.timeout(0.5):
            await asyncio.sleep(seconds)
    except TimeoutError:
        return False
    return True


def run(loop: Callable[[], asyncio.AbstractEventLoop], *, stop: bool, seconds: float) -> bool:
    async def both() -> bool:
        waiting = asyncio.ensure_future(in_time(seconds))
        await asyncio.sleep(0)
        if stop:
            time.sleep(1.0)  # noqa: ASYNC251 - as a machine stops that others use
        return await waiting

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(both())


def test_a_stop_ends_no_wait_before_its_time() -> None:
    assert run(SteadyLoop, stop=True, seconds=0.2)
    assert not run(asyncio.SelectorEventLoop, stop=True, seconds=0.2)


@pytest.mark.parametrize("stop", [False, True])
def test_a_wait_that_is_too_long_is_too_long_stopped_or_not(*, stop: bool) -> None:
    assert not run(SteadyLoop, stop=stop, seconds=1.0)
