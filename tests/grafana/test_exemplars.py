"""A slow bucket leads to a trace: through the real Prometheus, by what the dashboards ask."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from gateway.clock import SystemClock
from gateway.core import facts
from gateway.core.lifecycle import Status
from gateway.core.outcome import Outcome
from gateway.observe.metrics import Metrics
from tests.acceptance.ports import free_port
from tests.grafana.live.asking import Prometheus
from tests.grafana.live.stage import program
from tests.grafana.pages import every_panel
from tests.grafana.tools import need

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
RECEIPT = "0197a000-0000-7000-8000-000000000000"
LEADING = ("accept_duration_seconds", "attempt_duration_seconds", "delivery_duration_seconds")


def asked() -> list[str]:
    """What the panels ask for exemplars with."""
    targets = (target for _, panel in every_panel() for target in panel["targets"])
    return [target["expr"] for target in targets if target["exemplar"]]


@contextlib.contextmanager
def told(metrics: Metrics) -> Iterator[str]:
    """Where a scraper finds these metrics."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page, content_type = metrics.render(self.headers.get("Accept", ""))
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_every_wait_on_a_dashboard_leads_to_a_trace_in_prometheus(tmp_path: Path) -> None:
    metrics = Metrics(version="1.2.3", config_sha256="0" * 64, clock=SystemClock())
    for outcome in Outcome:
        metrics.on_fact(facts.AttemptFinished(RECEIPT, 1, outcome, "cause", 2.0, TRACE))
    metrics.on_fact(facts.EnrollmentAccepted(RECEIPT, "desk", 9, Status.PENDING, 0.2, TRACE))
    settled = facts.EnrollmentSettled(RECEIPT, Status.DELIVERED, "http-201", trace_id=TRACE)
    metrics.on_fact(settled)
    leading = {expr for expr in asked() if any(f"{name}_bucket" in expr for name in LEADING)}
    listen = f"127.0.0.1:{free_port()}"
    with told(metrics) as target:
        config = {
            "global": {"scrape_interval": "1s"},
            "storage": {"exemplars": {"max_exemplars": 100}},
            "scrape_configs": [
                {"job_name": "enrollment-gateway", "static_configs": [{"targets": [target]}]}
            ],
        }
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
        command = [
            need("prometheus", "prometheus"),
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address={listen}",
            "--enable-feature=exemplar-storage",
        ]
        ready = f"http://{listen}/-/ready"
        with program(command, tmp_path / "prometheus.log", ready):
            began, deadline = time.time(), time.monotonic() + 60
            found: set[str] = set()
            while not leading <= found and time.monotonic() < deadline:
                time.sleep(0.2)
                prometheus = Prometheus(f"http://{listen}", began - 3600, time.time() + 60)
                found = {expr for expr in asked() if prometheus.exemplars(expr) == {TRACE}}
    assert len(leading) >= len(LEADING)
    assert found == leading
