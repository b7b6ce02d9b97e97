"""The one catalogue of metrics, put together from the series of each room.

Must not know HTTP, the journal or the dispatcher. Counters and histograms move with facts, as
they happen; levels (gauges) are handed in when somebody looks, so a scrape costs the same at any
backlog. Every series whose labels are known beforehand exists from the start, at 0: a counter
that appears with its first increment hides that increment from ``rate()``.
"""

from prometheus_client import CollectorRegistry, disable_created_metrics

from gateway.clock import Clock
from gateway.core import facts
from gateway.observe.exposition import Exposition
from gateway.observe.series.delivery import DeliverySeries
from gateway.observe.series.intake import IntakeSeries
from gateway.observe.series.journal import JournalSeries
from gateway.observe.series.making import Counts, Maker
from gateway.observe.series.process import ProcessSeries


class Metrics:
    """A registry of its own, filled from facts.

    Attributes:
        registry: of all that is in the catalogue.
        counts: what counts a fact, by its kind; called on the hot path: no I/O, no waiting.

    Args:
        version: of the gateway.
        config_sha256: hex digest of the settings that are no secrets; its first 12 digits show
            on a dashboard whether two gateways run the same.
        clock: for the age of a delivery, and to be compared with other machines'.
    """

    def __init__(self, *, version: str, config_sha256: str, clock: Clock) -> None:
        # Its author left this one function without types.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._exposition = Exposition(self.registry)
        make = Maker(self.registry, now=clock.now)
        intake = IntakeSeries(make)
        self.journal = JournalSeries(make)
        self.delivery = DeliverySeries(make, clock)
        self.process = ProcessSeries(
            make, version=version, config_sha256=config_sha256, clock=clock
        )
        self.counts: Counts = {
            **intake.counts,
            **self.journal.counts,
            **self.delivery.counts,
        }

    def on_fact(self, fact: facts.Fact) -> None:
        """Count one fact, if its kind is counted."""
        count = self.counts.get(type(fact))
        if count is not None:
            count(fact)

    def render(self, accept: str) -> tuple[bytes, str]:
        """The page and its content type: OpenMetrics where ``accept`` asks for it, else text."""
        self.process.tick()
        return self._exposition.page(accept)
