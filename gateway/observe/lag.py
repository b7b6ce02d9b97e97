"""Measure how late the event loop wakes up: what every request waits for on top of its own work.

Must not know who counts the samples.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.clock import Clock

INTERVAL: Final = 0.5


async def watch_lag(
    observe: Callable[[float], None],
    *,
    clock: Clock,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    interval: float = INTERVAL,
) -> None:
    """Report the lag in seconds every ``interval`` seconds, until cancelled."""
    while True:
        asked = clock.monotonic()
        await sleep(interval)
        observe(max(0.0, clock.monotonic() - asked - interval))
