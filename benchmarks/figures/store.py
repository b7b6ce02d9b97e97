"""Store bandwidth: sealed bodies of 0.6 MB kept and settled, against the disk's own overwriting."""

import sys
from typing import Final

from benchmarks.plan import Plan
from benchmarks.programs import bare, told
from benchmarks.results import Figure, Row
from benchmarks.statistics import paired, spread

BODY: Final = 600 * 1024
PART: Final = 16 * BODY  # what a group commit of the journal writes, about
GOAL: Final = 0.7


def measure(plan: Plan) -> Figure:
    """Megabytes per second."""
    ours, disk = [], []
    with plan.room("store") as room:
        store = [sys.executable, "-m", "benchmarks.store", str(room / "journal.db")]
        store += ["--size", str(BODY), "--seconds", str(plan.seconds)]
        limit = bare("disk", room / "overwritten", PART, plan.seconds)
        for _ in range(plan.rounds):
            ours.append(told(store, core=plan.cores.server)["bytes_per_second"] / 1e6)
            disk.append(told(limit, core=plan.cores.server)["bytes_per_second"] / 1e6)
    row = Row(
        name="0.6 MB",
        unit="MB/s",
        ours=spread(ours),
        bare=spread(disk),
        ratio=paired(ours, disk),
        goal=GOAL,
    )
    return Figure(5, "Store bandwidth, against overwriting with a sync", (row,))
