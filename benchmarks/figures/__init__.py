"""One file for each claim. Each takes a plan and gives a figure."""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.figures import accepted, live
from benchmarks.plan import Plan
from benchmarks.results import Figure

FIGURES: Final[Mapping[int, Callable[[Plan], Figure]]] = {
    1: accepted.measure,
    2: live.measure,
}
