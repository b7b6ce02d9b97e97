"""The machine that the gateway runs on: its clocks, and its disk.

Must not know what is kept on it, or who asks the time.
"""

import asyncio
from random import Random

from gateway.clock import SystemClock
from simulation.whole.scenario import Disk

BEGAN = 1_800_000_000.0
"""Wall seconds at the beginning of every history."""


class Machine:
    """A wall clock that can be set, a steady one that cannot, and a disk that takes its time."""

    def __init__(self, disk: Disk, rng: Random) -> None:
        self._loop = asyncio.get_running_loop()
        self._disk = disk
        self._rng = rng
        self._set_by = 0.0

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back."""
        self._set_by += seconds

    def clock(self) -> SystemClock:
        """The gateway's clock, as each start of it makes one."""
        return SystemClock(wall=self._wall, monotonic=self._loop.time)

    def _wall(self) -> float:
        return BEGAN + self._loop.time() + self._set_by

    async def write(self) -> None:
        """Take as long as one commit takes."""
        disk, rng = self._disk, self._rng
        if disk.stall and rng.random() < disk.stall_probability:
            await asyncio.sleep(disk.stall)
        elif disk.seconds:
            await asyncio.sleep(rng.uniform(0.0, disk.seconds))
        else:
            await asyncio.sleep(0)
