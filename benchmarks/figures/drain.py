"""Drain: deliveries per second out of a backlog, against ``ClientSession`` that only posts.

Large bodies come from the disk, the bare client's from memory: so what is drained is compared with
what the disk alone reads, too.
"""

import time
from typing import Final

from benchmarks.gateway import Gateway, gateway
from benchmarks.load import Load, Measured
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import BenchmarkFault, answering, bare, free_port, told
from benchmarks.results import Figure, Row, rates
from benchmarks.statistics import paired, spread

GOAL: Final = 0.8
AT_ONCE: Final = 64
# Some seconds each: after a pause the window grows from a few, on purpose, for the first of them.
_COUNTS: Final = {"2 KB": 40_000, "200 KB": 8000, "1 MB": 2000}
_OF_THE_DISK: Final = ("200 KB", "1 MB")
_PART: Final = 8 * 1024 * 1024  # what the journal reads at once
_PATIENCE: Final = 120.0


def measure(plan: Plan) -> Figure:
    """Deliveries per second, one row for each size."""
    rows = []
    for name in plan.sizes:
        upstream, ours, bare_client, disk = free_port(), [], [], []
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
                if name in _OF_THE_DISK:
                    reading = bare("disk", room / "read", _PART, plan.seconds / 2, "--read")
                    found = told(reading, core=plan.cores.server)
                    disk.append(found["bytes_per_second"] / 1e6)
        rows.append(rates(name, ours, bare_client, goal=GOAL))
        if disk:
            moved = [each.rate * SIZES[name] / 1e6 for each in ours]
            ratio = paired(moved, disk)
            rows.append(Row(f"{name}, of the disk", "MB/s", spread(moved), spread(disk), ratio))
        plan.say(f"  {name}: done")
    note = (
        "Of the disk: what is drained, against what this disk alone reads. A delivery of a large"
        " body begins with reading it; the bare client sends the same one again and again."
    )
    return Figure(6, "Drain of a backlog, against a bare client", tuple(rows), note)


def _drained(ours: Gateway, name: str, plan: Plan) -> Measured:
    ours.ask("pause", method="POST", body={"reason": "filling"})
    load = Load(SIZES[name], headers="Prefer: respond-async\r\n")
    while ours.count("enrollments", status="pending") < _COUNTS[name]:
        load.run(ours.program, ours.port, seconds=1.0, core=plan.cores.rest)
    waiting = ours.count("enrollments", status="pending")
    before, used, began = _delivered(ours), ours.program.cpu_seconds(), time.monotonic()
    ours.ask("resume", method="POST")
    while _delivered(ours) - before < waiting:
        if time.monotonic() - began > _PATIENCE:
            raise BenchmarkFault(f"{waiting:.0f} enrollments were not drained in {_PATIENCE:.0f} s")
        time.sleep(0.05)
    took = time.monotonic() - began
    used = ours.program.cpu_seconds() - used
    return Measured(waiting / took, used / waiting, 0.0, 0.0, int(waiting))


def _delivered(ours: Gateway) -> int:
    """Asked while it is measured: of what the gateway tells, this costs it least."""
    return int(ours.ask("reconciliation")["delivered"])
