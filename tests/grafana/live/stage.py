"""A load test on a stage that is watched: gateway, Prometheus, Alertmanager, and who gets alerts.

Each is the real program with the configuration that the repository ships; only addresses differ.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from loadtests import scenario as scenarios
from tests.acceptance.ports import free_port
from tests.acceptance.processes import Gateway, Part
from tests.grafana.tools import ROOT, need

JOBS = {"enrollment-gateway", "recording-server", "locust", "prometheus", "alertmanager"}
SETTLE_SECONDS = 20
"""After the last citizen: alerts clear."""


@dataclass
class Told:
    """What arrived at each receiver: alert's name and status, in order."""

    by_receiver: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def firing(self, receiver: str) -> set[str]:
        """The alerts that this receiver was called for."""
        told = self.by_receiver.get(receiver, [])
        return {name for name, status in told if status == "firing"}


@dataclass(frozen=True)
class Watched:
    """A run that is over, with Prometheus still there to be asked.

    Attributes:
        prometheus: its URL.
        alertmanager: its URL.
        began: Unix seconds.
        ended: likewise.
        told: what receivers heard.
        verdict: the load test's exit code; 0: every target was met.
    """

    prometheus: str
    alertmanager: str
    began: float
    ended: float
    told: Told
    verdict: int


@contextlib.contextmanager
def watched(folder: Path, scenario: str) -> Iterator[Watched]:
    """Play the scenario, watched from before its first second until after its last."""
    given = scenarios.load(scenario)
    prometheus, alertmanager = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    server, locust = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    run = folder / "run"
    with contextlib.ExitStack() as stack:
        told, notify = stack.enter_context(_receivers())
        stack.enter_context(_alertmanager(folder, alertmanager, notify))
        gateway = stack.enter_context(Gateway(folder, f"http://{server}", given.gateway))
        gateway.start()
        targets = {"enrollment-gateway": gateway.admin, "locust": locust}
        targets |= {"prometheus": prometheus, "alertmanager": alertmanager}
        load = stack.enter_context(_load(scenario, run, gateway.url, server, locust))
        targets["recording-server"] = _control(load, run / "server.log")
        stack.enter_context(_prometheus(folder, prometheus, targets))
        began = time.time()
        seconds = given.arrivals.seconds + given.limit_seconds + 120
        verdict = load.process.wait(seconds)
        assert verdict in (0, 1), f"the load test harmed or proved nothing:\n{load.tail()}"
        time.sleep(SETTLE_SECONDS)
        yield Watched(
            f"http://{prometheus}", f"http://{alertmanager}", began, time.time(), told, verdict
        )


def _load(scenario: str, run: Path, gateway: str, server: str, locust: str) -> Part:
    return Part(
        [
            *("-m", "loadtests", "run", scenario, "--out", str(run)),
            *("--gateway", gateway, "--server-listen", server),
        ],
        run.with_suffix(".log"),
        environ={"STATIONS_METRICS_LISTEN": locust},
    )


def _control(load: Part, log: Path) -> str:
    """Where the simulated server is asked: it says so itself when it listens."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and load.process.poll() is None:
        if log.exists():
            for line in log.read_text().splitlines():
                if line.startswith('{"listening"') and line.endswith("}"):
                    return str(json.loads(line)["control"])
        time.sleep(0.1)
    raise AssertionError(f"the simulated server did not come up:\n{load.tail()}")


@contextlib.contextmanager
def program(command: list[str], log: Path, ready: str) -> Iterator[None]:
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    part = Part.__new__(Part)
    part.log, part.process = log, process
    with part:
        part.until_up(ready)
        yield


@contextlib.contextmanager
def _prometheus(folder: Path, listen: str, targets: dict[str, str]) -> Iterator[None]:
    config = yaml.safe_load((ROOT / "prometheus/lab.yml").read_text())
    assert {job["job_name"] for job in config["scrape_configs"]} == JOBS
    config["rule_files"] = [str(ROOT / "prometheus/rules/*.yml")]
    place = {"targets": [targets["alertmanager"]]}
    config["alerting"]["alertmanagers"] = [{"static_configs": [place]}]
    config["scrape_configs"] = [
        {
            "job_name": name,
            "static_configs": [{"targets": [target.removeprefix("http://")]}],
        }
        for name, target in targets.items()
    ]
    assets = folder / "assets"
    assets.mkdir()
    (assets / "runbook.md").symlink_to(ROOT / "runbook.md")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        need("prometheus", "prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={listen}",
        f"--web.external-url=http://{listen}",
        f"--web.user-assets={assets}",
        "--enable-feature=exemplar-storage",
    ]
    with program(command, folder / "prometheus.log", f"http://{listen}/-/ready"):
        yield


@contextlib.contextmanager
def _alertmanager(folder: Path, listen: str, notify: str) -> Iterator[None]:
    text = (ROOT / "alertmanager/alertmanager.yml").read_text()
    assert "http://notify:9000/" in text
    (folder / "alertmanager.yml").write_text(text.replace("http://notify:9000", notify))
    command = [
        need("prometheus-alertmanager", "prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={listen}",
        "--cluster.listen-address=",
    ]
    with program(command, folder / "alertmanager.log", f"http://{listen}/-/ready"):
        yield


@contextlib.contextmanager
def _receivers() -> Iterator[tuple[Told, str]]:
    """The site's pager, ticket system and chat: they only note what arrives."""
    told = Told()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message: dict[str, Any] = json.loads(
                self.rfile.read(int(self.headers["Content-Length"]))
            )
            for alert in message["alerts"]:
                heard = (alert["labels"]["alertname"], alert["status"])
                told.by_receiver.setdefault(message["receiver"], []).append(heard)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def programs() -> str:
    """Which versions looked on."""
    found = []
    for name, package in (("prometheus", "prometheus"), ("amtool", "prometheus-alertmanager")):
        done = subprocess.run(
            [need(name, package), "--version"], capture_output=True, text=True, check=True
        )
        found.append((done.stdout + done.stderr).splitlines()[0].split(" (")[0])
    return f"{', '.join(found)}, Python {sys.version.split()[0]}, {os.cpu_count()} processors"
