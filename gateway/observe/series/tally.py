"""Counters and histograms that one thread alone moves: the event loop's.

The library's own take a lock and go through five calls and more for each event, which is dear where
three are moved for each enrollment. These are plain numbers until somebody looks. Whatever another
thread moves must be one of the library's.

Must not know any metric.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

_TOTAL: Final = "_total"


class Tally:
    """One series of a counter."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self) -> None:
        """Once more."""
        self.value += 1.0


class Spread:
    """One series of a histogram: how often how much."""

    __slots__ = ("_bounds", "_now", "counts", "exemplars", "sum")

    def __init__(self, bounds: tuple[float, ...], now: Callable[[], float]) -> None:
        """``bounds``: upper ones, the last is infinite; ``now``: wall seconds, of exemplars."""
        self._bounds = bounds
        self._now = now
        self.counts = [0] * len(bounds)
        self.exemplars: list[Exemplar | None] = [None] * len(bounds)
        self.sum = 0.0

    def observe(self, amount: float, trace_id: str | None = None) -> None:
        """So much, this time; ``trace_id`` leads from its bucket to a trace that is in it."""
        bucket = bisect_left(self._bounds, amount)
        self.counts[bucket] += 1
        self.sum += amount
        if trace_id is not None:
            self.exemplars[bucket] = Exemplar({"trace_id": trace_id}, amount, self._now())


class Tallies(Collector):
    """A counter with all its series. ``name`` ends in ``_total``."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self._name, self._text, self._labels = name.removesuffix(_TOTAL), text, labels
        self._series: dict[tuple[str, ...], Tally] = {}

    def labels(self, *values: str) -> Tally:
        """The series of these label values, in the order of the labels' names."""
        return self._series.setdefault(values, Tally())

    def describe(self) -> Iterable[Metric]:
        """Tells the registry its names, so that no other metric takes them."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """As it stands now."""
        family = Metric(self._name, self._text, "counter")
        for values, series in self._series.items():
            family.add_sample(
                self._name + _TOTAL, dict(zip(self._labels, values, strict=True)), series.value
            )
        return [family]


class Spreads(Collector):
    """A histogram with all its series. ``bounds``: upper ones, the infinite one left out."""

    def __init__(
        self,
        name: str,
        text: str,
        labels: tuple[str, ...],
        *,
        bounds: tuple[float, ...],
        now: Callable[[], float],
    ) -> None:
        self._name, self._text, self._labels, self._now = name, text, labels, now
        self._bounds = (*(float(bound) for bound in bounds), float("inf"))
        # As the library writes them; it left this function without types.
        self._edges = tuple(str(floatToGoString(bound)) for bound in self._bounds)  # type: ignore[no-untyped-call]
        self._series: dict[tuple[str, ...], Spread] = {}

    def labels(self, *values: str) -> Spread:
        """The series of these label values, in the order of the labels' names."""
        return self._series.setdefault(values, Spread(self._bounds, self._now))

    def describe(self) -> Iterable[Metric]:
        """Tells the registry its names, so that no other metric takes them."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """As it stands now."""
        family = Metric(self._name, self._text, "histogram")
        for values, series in self._series.items():
            named = dict(zip(self._labels, values, strict=True))
            for edge, count, exemplar in self._cumulated(series):
                family.add_sample(
                    f"{self._name}_bucket", {**named, "le": edge}, count, None, exemplar
                )
            family.add_sample(f"{self._name}_count", named, float(sum(series.counts)))
            family.add_sample(f"{self._name}_sum", named, series.sum)
        return [family]

    def _cumulated(self, series: Spread) -> Iterator[tuple[str, float, Exemplar | None]]:
        count = 0.0
        for edge, more, exemplar in zip(self._edges, series.counts, series.exemplars, strict=True):
            count += more
            yield edge, count, exemplar
