"""One station alone: what an answer takes longer than through nginx, one sync included."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.bare.disk import sync_seconds
from benchmarks.gateway import gateway
from benchmarks.load import Load
from benchmarks.peers import peer
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import answering, free_port
from benchmarks.results import Figure, Row
from benchmarks.statistics import spread

P50_MS: Final = 0.5
P99_MS: Final = 2.0


def measure(plan: Plan) -> Figure:
    """Milliseconds more, at the median and at the 99th percentile."""
    load, upstream = Load(SIZES["2 KB"], connections=1), free_port()
    with (
        plan.room("single") as room,
        answering(upstream, core=plan.cores.rest, folder=room),
        gateway(plan.cores, room, upstream_port=upstream) as ours,
        peer("nginx", upstream_port=upstream, core=plan.cores.server, folder=room) as (nginx, port),
    ):
        measured = plan.in_turn(
            partial(load.run, ours.program, ours.port), partial(load.run, nginx, port)
        )
    rows = (
        _more("p50", *([each.p50 for each in side] for side in measured), goal=P50_MS),
        _more("p99", *([each.p99 for each in side] for side in measured), goal=P99_MS),
        _sync(plan),
    )
    note = "The last row is one sync of this disk: the gateway makes one before each answer."
    return Figure(4, "One connection, 2 KB: milliseconds more than nginx", rows, note)


def _more(name: str, ours: Sequence[float], other: Sequence[float], *, goal: float) -> Row:
    more = [1e3 * (one - two) for one, two in zip(ours, other, strict=True)]
    return Row(name, "ms more", spread(more), goal=goal, at_least=False)


def _sync(plan: Plan) -> Row:
    with plan.room("sync") as room:
        took = sync_seconds(room / "file", count=50)
    return Row("one sync", "ms", spread([1e3 * seconds for seconds in took]))
