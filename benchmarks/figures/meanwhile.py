"""Accepted while a backlog of large bodies is drained: stations must not wait for the disk."""

from typing import Final

from benchmarks.filling import delivered, fill, wait_until_delivered
from benchmarks.gateway import Gateway, gateway
from benchmarks.load import ASYNC, Load, Measured
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import BenchmarkFault, answering, free_port
from benchmarks.results import Figure, Row
from benchmarks.statistics import spread

DRAINED: Final = "1 MB"
_COUNT: Final = 8000
_STATIONS: Final = 4


def measure(plan: Plan) -> Figure:
    """Milliseconds until a receipt, at the median and at the 99th percentile."""
    upstream, found = free_port(), list[Measured]()
    with (
        plan.room("meanwhile") as room,
        answering(upstream, core=plan.cores.rest, folder=room),
        gateway(plan.cores, room, upstream_port=upstream) as ours,
    ):
        for _ in range(plan.rounds):
            fill(ours, size=SIZES[DRAINED], count=_COUNT, core=plan.cores.rest)
            found.append(_accepted(ours, plan))
            wait_until_delivered(ours, int(ours.ask("reconciliation")["accepted"]))
    rows = (
        Row("p50", "ms", spread([1e3 * each.p50 for each in found])),
        Row("p99", "ms", spread([1e3 * each.p99 for each in found])),
    )
    note = f"{_STATIONS} stations, 2 KB, each its next as soon as it has its receipt."
    return Figure(10, f"Accepted while a backlog of {DRAINED} is drained", rows, note)


def _accepted(ours: Gateway, plan: Plan) -> Measured:
    waiting, before = ours.count("enrollments", status="pending"), delivered(ours)
    ours.ask("resume", method="POST")
    load = Load(SIZES["2 KB"], connections=_STATIONS, headers=ASYNC)
    measured = load.run(ours.program, ours.port, seconds=plan.seconds, core=plan.cores.rest)
    if delivered(ours) - before >= waiting + measured.answers:
        raise BenchmarkFault("the backlog was drained before the round was over: fewer seconds")
    return measured
