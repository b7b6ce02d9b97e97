"""One file for each claim. Each takes a plan and gives a figure."""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.figures import (
    accepted,
    cost,
    drain,
    growth,
    held,
    live,
    meanwhile,
    peers,
    single,
    store,
)
from benchmarks.plan import Plan
from benchmarks.results import Figure

FIGURES: Final[Mapping[int, Callable[[Plan], Figure]]] = {
    1: accepted.measure,
    2: live.measure,
    3: peers.measure,
    4: single.measure,
    5: store.measure,
    6: drain.measure,
    7: growth.measure,
    8: held.measure,
    9: cost.measure,
    10: meanwhile.measure,
}
