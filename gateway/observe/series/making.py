"""How a series is made: one prefix, one registry, buckets from one place.

Must not know any metric.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.core import facts
from gateway.observe.series.tally import Spreads, Tallies

PREFIX: Final = "enrollment_gateway_"
OTHER: Final = "other"
"""The label of all that has none of its own."""

# 0.25, 1, 10, 300, 600 and 3600 s are the edges that objectives are stated on: they must be here.
# 12 and 35 keep what ends at the usual hold (10 s) and attempt timeout (30 s) from looking longer.
WAITS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 12, 30, 35, 60, 300, 600, 3600)
SHORT: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

Counts: TypeAlias = Mapping[type[facts.Fact], Callable[[Any], None]]
"""What is done about each kind of fact."""

_Series_co = TypeVar("_Series_co", covariant=True)


class Labelled(Protocol[_Series_co]):
    """A metric, as far as its series are made and found by their labels' values."""

    def labels(self, *values: str) -> _Series_co:
        """The series of these."""
        ...


class Maker:
    """Makes metrics of one registry."""

    def __init__(self, registry: CollectorRegistry, *, now: Callable[[], float]) -> None:
        """``now``: wall seconds."""
        self._registry = registry
        self._now = now

    def counter(self, name: str, text: str, *labels: str) -> Tallies:
        """What only grows, and is moved on the event loop alone."""
        made = Tallies(PREFIX + name, text, labels)
        self._registry.register(made)
        return made

    def shared_counter(self, name: str, text: str, *labels: str) -> Counter:
        """What only grows, by any thread."""
        return Counter(PREFIX + name, text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A level."""
        return Gauge(PREFIX + name, text, labels, registry=self._registry)

    def histogram(self, name: str, text: str, bounds: tuple[float, ...], *labels: str) -> Spreads:
        """How often how much; moved on the event loop alone."""
        made = Spreads(PREFIX + name, text, labels, bounds=bounds, now=self._now)
        self._registry.register(made)
        return made


def series(
    metric: Labelled[_Series_co], **labels: Iterable[str]
) -> dict[tuple[str, ...], _Series_co]:
    """Every series of ``metric``, made now, found later by its label values in order."""
    return {values: metric.labels(*values) for values in product(*labels.values())}
