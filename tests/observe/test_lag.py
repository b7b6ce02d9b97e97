"""Lag is what the loop slept longer than asked, never less than nothing."""

import asyncio

import pytest

from gateway.observe.lag import watch_lag


class Sleeper:
    """A clock whose sleeps take what the test says; the last one ends the watch."""

    def __init__(self, *takes: float) -> None:
        self.takes = list(takes)
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, _seconds: float) -> None:
        if not self.takes:
            raise asyncio.CancelledError
        self.time += self.takes.pop(0)


async def test_lag_is_the_time_slept_beyond_the_time_asked() -> None:
    sleeper = Sleeper(0.5, 0.75, 0.25, 2.5)
    seen: list[float] = []
    with pytest.raises(asyncio.CancelledError):
        await watch_lag(seen.append, clock=sleeper, sleep=sleeper.sleep, interval=0.5)
    assert seen == [0.0, 0.25, 0.0, 2.0]
