"""Locust's own figures for Prometheus: what stations sent, and what they saw fail.

Must not know what a station does. A master speaks for its workers.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "stations_"


class Entry(Protocol):
    """One line of Locust's statistics."""

    name: str
    method: str
    num_requests: int
    num_failures: int


class Figures(Protocol):
    """What is read when somebody looks."""

    def entries(self) -> Iterable[Entry]:
        """Every line but the total."""
        ...

    def users(self) -> int:
        """Stations at work."""
        ...


class Stations(Collector):
    """The figures as metrics."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Read them now."""
        labels = ("method", "name")
        requests = CounterMetricFamily(
            f"{PREFIX}requests", "Requests of stations that came to an end.", labels=labels
        )
        failures = CounterMetricFamily(
            f"{PREFIX}failures", "Requests of stations that failed.", labels=labels
        )
        for entry in self._figures.entries():
            requests.add_metric((entry.method, entry.name), entry.num_requests)
            failures.add_metric((entry.method, entry.name), entry.num_failures)
        yield requests
        yield failures
        yield GaugeMetricFamily(f"{PREFIX}users", "Stations at work.", self._figures.users())


def serve(figures: Figures, listen: str) -> WSGIServer:
    """Answer on HOST:PORT until the process ends."""
    registry = CollectorRegistry()
    registry.register(Stations(figures))
    server = WSGIServer(listen, make_wsgi_app(registry), log=None, error_log=None)
    server.start()
    return server
