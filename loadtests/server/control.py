"""What a runner and Prometheus ask the simulated server: its state, its metrics; and new faults.

Costs the simulated server no capacity, and answers even while it is down.
"""

import json
from collections.abc import Iterator

from aiohttp import web
from aiohttp.web_request import BaseRequest
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from loadtests.server.driver import Driver
from loadtests.server.faults import FaultScriptError, parse

PREFIX = "recording_server_"


class _Totals(Collector):
    """The server's totals as metrics, read when scraped."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def collect(self) -> Iterator[Metric]:
        totals = self._driver.server.totals(now=self._driver.now())
        for name, text, count in (
            ("received", "Enrollments that arrived.", totals.received),
            ("recorded", "Effects: enrollments written down.", totals.recorded),
            ("refused", "Enrollments turned away.", totals.refused),
        ):
            yield CounterMetricFamily(PREFIX + name, text, count)
        up = self._driver.server.mode is None
        for name, text, value in (
            ("outstanding", "Enrollments in hand, waiting and in service.", totals.outstanding),
            ("up", "1: it works; 0: it is down.", int(up)),
            ("capacity_per_second", "Enrollments per second it can record now.", totals.capacity),
        ):
            yield GaugeMetricFamily(PREFIX + name, text, value)


class Control:
    """Answers `/metrics` and everything under `/_server/`."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._registry = CollectorRegistry()
        self._registry.register(_Totals(driver))

    @staticmethod
    def owns(path: str) -> bool:
        """Tell whether a path is control's."""
        return path == "/metrics" or path.startswith("/_server/")

    async def answer(self, request: BaseRequest) -> web.Response:
        """Answer one control request."""
        match request.method, request.path:
            case "GET", "/metrics":
                text = generate_latest(self._registry)
                return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
            case "GET", "/_server/state":
                return web.json_response(self._state())
            case "POST", "/_server/fault":
                return self._add_faults(await request.read())
            case _:
                known = "GET /metrics, GET /_server/state or POST /_server/fault"
                return web.json_response({"error": f"ask {known}"}, status=404)

    def _state(self) -> dict[str, object]:
        server = self._driver.server
        totals = server.totals(now=self._driver.now())
        self._driver.move()  # whoever reads the ledger now must find there what the totals tell
        return {
            "state": server.state,
            "mode": server.mode,
            "down_until": server.down_until,
            "received": totals.received,
            "recorded": totals.recorded,
            "refused": totals.refused,
            "outstanding": totals.outstanding,
            "capacity": totals.capacity,
        }

    def _add_faults(self, body: bytes) -> web.Response:
        try:
            data = json.loads(body)
            faults = parse(data if isinstance(data, list) else [data])
        except FaultScriptError as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        except ValueError:
            return web.json_response({"error": "send one fault, or a list, as JSON"}, status=400)
        self._driver.server.add_faults(faults, now=self._driver.now())
        self._driver.move()
        return web.json_response({"added": len(faults)})
