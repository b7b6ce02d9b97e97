"""A backlog at the gateway under measurement, as an outage leaves it, and how it is drained."""

import time
from typing import Final

from benchmarks.gateway import Gateway
from benchmarks.load import ASYNC, Load
from benchmarks.programs import BenchmarkFault

_PATIENCE: Final = 120.0  # seconds


def fill(ours: Gateway, *, size: int, count: int, core: int) -> int:
    """Pause delivery, and accept until at least ``count`` wait; how many do.

    Args:
        ours: has nothing to do.
        size: of each body, bytes.
        count: how many are wanted.
        core: where the load runs.
    """
    ours.ask("pause", method="POST", body={"reason": "filling"})
    load = Load(size, headers=ASYNC)
    while (waiting := ours.count("enrollments", status="pending")) < count:
        load.run(ours.program, ours.port, seconds=1.0, core=core)
    return int(waiting)


def wait_until_delivered(ours: Gateway, count: int) -> None:
    """Until so many ever were.

    Raises:
        BenchmarkFault: it takes too long.
    """
    end = time.monotonic() + _PATIENCE
    while (so_far := delivered(ours)) < count:
        if time.monotonic() > end:
            raise BenchmarkFault(f"only {so_far} of {count} were delivered in {_PATIENCE:.0f} s")
        time.sleep(0.05)


def delivered(ours: Gateway) -> int:
    """How many ever were. Of what the gateway tells, this costs it least while it is measured."""
    return int(ours.ask("reconciliation")["delivered"])
