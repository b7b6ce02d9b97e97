"""The thin Locust layer: options, one user per station, HTTP in and out.

Decides nothing: `loadtests.stations` says what a desk does, `loadtests.desk` does it. Run it by
itself with `locust -f loadtests/locustfile.py --scenario NAME --host URL`, with Locust's web page
or with workers (`--processes N`, or `--master` and `--worker`): the stations are shared out.
"""

import math
import time
from argparse import ArgumentParser
from collections import deque
from pathlib import Path
from typing import Any, Protocol, cast

import gevent
import psutil
from geventhttpclient import URL
from locust import FastHttpUser, LoadTestShape, events, task
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, Runner, WorkerRunner

from loadtests import scenario as scenarios
from loadtests.desk import Desk, Enrollment, Load
from loadtests.enrollments import Registry
from loadtests.logs import End, LogWriter, Run
from loadtests.stations import (
    PRESS_SECONDS,
    Answer,
    Decision,
    careful,
    presses_enter,
    station_names,
)
from loadtests.wire import read_answer

MOST_IN_FLIGHT = 8192
HEAD_START_SECONDS = 2.0
ANSWER_SECONDS = 45.0
"""Longer than any gateway holds an enrollment."""
RECEIPT_WAIT_SECONDS = 10
GRACE_SECONDS = 5.0
PROCESSOR_SECONDS = 2.0


def _options(parser: ArgumentParser) -> None:

    add = parser.add_argument
    add("--scenario", default="five-minute-outage", help="name, or path of a TOML file")
    add("--scale", type=float, default=1.0, help="so many times the arrivals")
    add("--time-scale", type=float, default=1.0, help="0.1: everything lasts a tenth as long")
    add("--seed", type=int, default=1, help="the same seed, the same citizens at the same times")
    add("--via", default="gateway", help="gateway: careful desks; direct: officers press enter")
    add("--sent", default="sent.jsonl", help="the log of what was sent and told")
    add("--origin", type=float, default=0.0, help="wall-clock second of the first arrival")
    add("--tag", default="", help="begins every key; made from seed and time if not given")
    add("--station-workers", type=int, default=1, include_in_web_ui=False, help="set by itself")


class _Process:
    """This process's part in the load, from `test_start` to `test_stop`."""

    load: Load | None = None
    stations: deque[str]
    cpu_percent_max: float = 0.0


class _Options(Protocol):
    """The options of this file, as Locust hands them on, to workers too."""

    scenario: str
    scale: float
    time_scale: float
    seed: int
    via: str
    sent: str
    origin: float
    tag: str
    station_workers: int


def _chosen(environment: Environment) -> _Options:
    return cast("_Options", environment.parsed_options)


def _scenario(options: _Options) -> scenarios.Scenario:
    return scenarios.load(options.scenario).scaled(options.scale, options.time_scale)


def _start(environment: Environment, **_: object) -> None:
    options, runner = _chosen(environment), environment.runner
    if not isinstance(runner, WorkerRunner):
        options.origin = options.origin or time.time() + HEAD_START_SECONDS
        options.tag = options.tag or f"{options.seed}-{int(time.time()):x}"
    if isinstance(runner, MasterRunner):
        options.station_workers = runner.worker_count
        return
    scenario = _scenario(options)
    index = runner.worker_index if isinstance(runner, WorkerRunner) else 0
    names = station_names(scenario.stations.per_kecamatan)
    log = LogWriter(Path(options.sent))
    log.write(
        Run(
            scenario=scenario.as_data(),
            seed=options.seed,
            scale=options.scale,
            via=options.via,
            started_at=time.time(),
            time_origin=options.origin,
        )
    )
    _Process.stations = deque(names[index :: options.station_workers])
    _Process.cpu_percent_max = 0.0
    _Process.load = Load(
        profile=scenario.arrivals.profile(),
        share=1 / len(names),
        registry=Registry(options.seed, scenario.packets.sizes(), scenario.stations.ordered_share),
        asynchronous_share=scenario.stations.asynchronous_share,
        habit=presses_enter if options.via == "direct" else careful,
        seed=options.seed,
        tag=options.tag,
        origin=options.origin,
        limit_seconds=scenario.limit_seconds,
        most_in_flight=MOST_IN_FLIGHT,
        log=log,
    )
    gevent.spawn(_watch_processor, _Process.load)


def _stop(environment: Environment, **_: object) -> None:
    _chosen(environment).origin = 0.0
    load, _Process.load = _Process.load, None
    if load is not None:
        load.log.write(End(time.time(), load.came - load.decided, _Process.cpu_percent_max))
        load.log.close()


def _watch_processor(load: Load) -> None:
    """Note how busy this process is; a saturated one is late, and its figures are its own."""
    process = psutil.Process()
    process.cpu_percent()
    while _Process.load is load:
        gevent.sleep(PROCESSOR_SECONDS)
        _Process.cpu_percent_max = max(_Process.cpu_percent_max, process.cpu_percent())


class EveryStation(LoadTestShape):
    """As many users as there are stations, from the first second until all have gone home."""

    def tick(self) -> tuple[int, float] | None:
        """Tell Locust how many users there must be; None ends the test."""
        runner = cast("Runner", self.runner)
        options = _chosen(runner.environment)
        scenario = _scenario(options)
        if options.origin:
            over = options.origin + scenario.arrivals.seconds
            gone_home = runner.user_count == 0 and time.time() > over
            if gone_home or time.time() > over + scenario.limit_seconds + GRACE_SECONDS:
                return None
        stations = len(station_names(scenario.stations.per_kecamatan))
        workers = runner.worker_count if isinstance(runner, MasterRunner) else 1
        users = math.ceil(stations / workers) * workers
        return users, users


class Station(FastHttpUser):
    """One desk of one kecamatan, and how it carries enrollments."""

    concurrency = MOST_IN_FLIGHT
    connection_timeout = PRESS_SECONDS
    network_timeout = ANSWER_SECONDS
    max_redirects = 0

    def __init__(self, environment: Environment) -> None:
        self._careful = _chosen(environment).via != "direct"
        if not self._careful:
            self.network_timeout = PRESS_SECONDS
        super().__init__(environment)
        self._http = self.client.client.clientpool.get_client(URL(cast("str", self.host)))

    @task
    def work(self) -> None:
        """Take the next desk that nobody sits at, and work until it closes."""
        if _Process.load is not None and _Process.stations:
            Desk(_Process.stations.popleft(), _Process.load, self).work()
        raise StopUser

    def send(self, enrollment: Enrollment, body: bytes) -> Answer:
        """One try to record."""
        headers = {
            "Content-Type": "application/octet-stream",
            "X-Enrollment": enrollment.key,
        }
        if self._careful:
            headers["Idempotency-Key"] = enrollment.key
            if enrollment.asynchronous:
                headers["Prefer"] = "respond-async"
        if enrollment.ordering_key is not None:
            headers["Ordering-Key"] = enrollment.ordering_key
        return self._answer("POST", "/enrollments", "/enrollments", headers, body)

    def ask(self, location: str) -> Answer:
        """One question about a receipt, held open while nothing changes."""
        headers = {"Prefer": f"wait={RECEIPT_WAIT_SECONDS}"}
        return self._answer("GET", location, "/_gateway/receipts/<id>", headers)

    def told(self, enrollment: Enrollment, decision: Decision) -> None:
        """Show in Locust's own statistics how long the citizen waited, from the due time."""
        if decision.told in {"accepted", "delivered"}:
            self.environment.events.request.fire(
                request_type="due →",
                name=decision.told,
                response_time=(time.time() - enrollment.due) * 1000,
                response_length=0,
                exception=None,
                context={},
            )

    def _answer(
        self, method: str, path: str, name: str, headers: dict[str, str], body: bytes = b""
    ) -> Answer:
        """One request, straight to the pool of connections.

        Locust's session around it costs as much again, and the load must not be the limit.
        """
        started = time.perf_counter()
        size = 0
        try:
            response = self._http.request(method, path, body, headers)
            content = response.read()
            size = len(content)
            answer = read_answer(response, content)
        except FAILURE_EXCEPTIONS as wrong:
            answer = Answer(0, error=type(wrong).__name__)
        failed = answer.status == 0 or answer.status >= 400
        self.environment.events.request.fire(
            request_type=method,
            name=name,
            response_time=(time.perf_counter() - started) * 1000,
            response_length=size,
            exception=RuntimeError(answer.error or f"status {answer.status}") if failed else None,
            context={},
        )
        return answer


_hooks: Any = events  # Locust's hooks have no types
_hooks.init_command_line_parser.add_listener(_options)
_hooks.test_start.add_listener(_start)
_hooks.test_stop.add_listener(_stop)
