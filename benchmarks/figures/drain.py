"""Drain: deliveries per second out of a backlog, against ``ClientSession`` that only posts.

Large bodies come from the disk, the bare client's from memory.
"""

import time
from typing import Final

from benchmarks.filling import delivered, fill, wait_until_delivered
from benchmarks.gateway import Gateway, gateway
from benchmarks.load import Measured
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import answering, bare, free_port, told
from benchmarks.results import Figure, rates

GOAL: Final = 0.8
AT_ONCE: Final = 64
# Some seconds each: after a pause the window grows from a few, on purpose, for the first of them.
_COUNTS: Final = {"2 KB": 40_000, "200 KB": 8000, "1 MB": 2000}


def measure(plan: Plan) -> Figure:
    """Deliveries per second, one row for each size."""
    rows = []
    for name in plan.sizes:
        upstream, ours, bare_client = free_port(), [], []
        with (
            plan.room(f"drain {name}") as room,
            answering(upstream, core=plan.cores.rest, folder=room),
            gateway(plan.cores, room, upstream_port=upstream) as delivering,
        ):
            for _ in range(plan.rounds):
                ours.append(_drained(delivering, name, plan))
                command = bare("client", f"http://127.0.0.1:{upstream}/", SIZES[name])
                count = _COUNTS[name]
                found = told([*command, str(count), str(AT_ONCE)], core=plan.cores.server)
                bare_client.append(
                    Measured(count / found["seconds"], found["cpu"] / count, 0.0, 0.0, count)
                )
        rows.append(rates(name, ours, bare_client, goal=GOAL))
        plan.say(f"  {name}: done")
    return Figure(6, "Drain of a backlog, against a bare client", tuple(rows))


def _drained(ours: Gateway, name: str, plan: Plan) -> Measured:
    waiting = fill(ours, size=SIZES[name], count=_COUNTS[name], core=plan.cores.rest)
    before, used, began = delivered(ours), ours.program.cpu_seconds(), time.monotonic()
    ours.ask("resume", method="POST")
    wait_until_delivered(ours, before + waiting)
    took = time.monotonic() - began
    used = ours.program.cpu_seconds() - used
    return Measured(waiting / took, used / waiting, 0.0, 0.0, waiting)
