"""How a series is made: one prefix, one registry, buckets from one place.

Must not know any metric.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any, Final, TypeAlias, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.core import facts

PREFIX: Final = "enrollment_gateway_"
OTHER: Final = "other"
"""The label of all that has none of its own."""

# 0.25, 1, 10, 300, 600 and 3600 s are the edges that objectives are stated on: they must be here.
# 12 and 35 keep what ends at the usual hold (10 s) and attempt timeout (30 s) from looking longer.
WAITS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 12, 30, 35, 60, 300, 600, 3600)
SHORT: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

Counts: TypeAlias = Mapping[type[facts.Fact], Callable[[Any], None]]
"""What is done about each kind of fact."""

_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)


class Maker:
    """Makes metrics of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """What only grows."""
        return Counter(PREFIX + name, text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A level."""
        return Gauge(PREFIX + name, text, labels, registry=self._registry)

    def histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        """How often how much."""
        return Histogram(PREFIX + name, text, labels, registry=self._registry, buckets=buckets)


def series(metric: _Metric, **labels: Iterable[str]) -> dict[tuple[str, ...], _Metric]:
    """Every series of ``metric``, made now, found later by its label values in order."""
    return {values: metric.labels(*values) for values in product(*labels.values())}


def exemplar(trace_id: str | None) -> dict[str, str] | None:
    """Leads from a bucket to a trace that is in it."""
    return None if trace_id is None else {"trace_id": trace_id}
