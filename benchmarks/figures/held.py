"""Held: every desk of the country waits at once; what each costs, and what it costs the others."""

import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.gateway import Gateway, gateway
from benchmarks.load import ASYNC, Load, Measured
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import BenchmarkFault, bare, free_port, pinned, running
from benchmarks.results import Figure, Row
from benchmarks.statistics import paired, spread

STATIONS: Final = 6235
GOAL: Final = 2.0
_PATIENCE: Final = 60.0
_WAITS: Final = {"intake__hold_seconds": "300", "upstream__timeout_seconds": "600"}


def measure(plan: Plan) -> Figure:
    """Kilobytes for each held connection; the 99th percentile of the others, with and without."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    load, silent = Load(SIZES["2 KB"], headers=ASYNC), free_port()
    alone: list[Measured] = []
    beside: list[Measured] = []
    with (
        plan.room("held") as room,
        running("silent", bare("silent", silent), core=plan.cores.rest, folder=room, port=silent),
        gateway(plan.cores, room, upstream_port=silent, settings=_WAITS) as ours,
    ):
        load.run(ours.program, ours.port, seconds=1.0, core=plan.cores.rest)
        before = ours.program.resident_bytes()
        # Not in turn: for a while after so many have left, the gateway still tidies up after them.
        alone.extend(_round(load, ours, plan) for _ in range(plan.rounds))
        with _holding(ours, plan):
            each = (ours.program.resident_bytes() - before) / STATIONS / 1e3
            beside.extend(_round(load, ours, plan) for _ in range(plan.rounds))
    rows = (
        Row("memory", "KB each", spread([each])),
        Row(
            name="accept p99",
            unit="ms",
            ours=spread([1e3 * one.p99 for one in beside]),
            bare=spread([1e3 * one.p99 for one in alone]),
            ratio=paired([one.p99 for one in beside], [one.p99 for one in alone]),
            goal=GOAL,
            at_least=False,
        ),
    )
    return Figure(8, f"{STATIONS:,} stations held", rows, "Each of them sent 2 KB and waits.")


def _round(load: Load, ours: Gateway, plan: Plan) -> Measured:
    return load.run(ours.program, ours.port, seconds=plan.seconds, core=plan.cores.rest)


@contextmanager
def _holding(ours: Gateway, plan: Plan) -> Iterator[None]:
    """All stations connected and waiting, until the end of the block."""
    accepted = ours.count("accept_duration_seconds_count")
    with (
        pinned(plan.cores.rest),
        subprocess.Popen(
            bare("holder", ours.port, STATIONS), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as stations,
    ):
        try:
            end = time.monotonic() + _PATIENCE
            while ours.count("accept_duration_seconds_count") - accepted < STATIONS:
                if time.monotonic() > end or stations.poll() is not None:
                    raise BenchmarkFault(f"{STATIONS} stations could not be held")
                time.sleep(0.2)
            yield
        finally:
            stations.terminate()
