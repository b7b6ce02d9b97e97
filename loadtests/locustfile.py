"""The thin Locust layer: options, one user per station, HTTP in and out.

Decides nothing: `loadtests.stations` says what a desk does, `loadtests.desk` does it. Run it by
itself with `locust -f loadtests/locustfile.py --scenario NAME --host URL`, with Locust's web page
or with workers (`--processes N`, or `--master` and `--worker`): the stations are shared out.
"""

import math
import sys
import time
from argparse import SUPPRESS
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any, Protocol, cast

import gevent
import psutil
from geventhttpclient import URL
from locust import FastHttpUser, LoadTestShape, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, Runner, WorkerRunner

from loadtests import exporter
from loadtests import scenario as scenarios
from loadtests.clocks import Clocks
from loadtests.clocks import answer as answer_clock
from loadtests.desk import Desk, Load
from loadtests.logs import End, LogWriter, Run
from loadtests.schedule import Schedule
from loadtests.stations import (
    HABITS,
    KEYLESS,
    PRESS_SECONDS,
    station_names,
    token_of,
    usual_habit,
)
from loadtests.tab import Tab
from loadtests.uplink import Uplink
from loadtests.wire import Wire

_hooks: Any = events  # Locust's hooks have no types

MOST_IN_FLIGHT = 8192
HEAD_START_SECONDS = 2.0
ANSWER_SECONDS = 45.0
"""Longer than any gateway holds an enrollment."""
GRACE_SECONDS = 5.0
PROCESSOR_SECONDS = 2.0


def _options(parser: LocustArgumentParser) -> None:
    add = parser.add_argument
    add("--scenario", default="five-minute-outage", help="name, or path of a TOML file")
    add("--scale", type=float, default=1.0, help="so many times the arrivals")
    add("--time-scale", type=float, default=1.0, help="0.1: everything lasts a tenth as long")
    add("--seed", type=int, default=1, help="the same seed, the same citizens at the same times")
    add("--via", default="gateway", help="what is in between, for the log: gateway, direct, …")
    add("--habit", choices=tuple(HABITS), help="what desks do; presses-enter unless via gateway")
    add("--sent", default="sent.jsonl", help="file for the log of what was sent and told")
    add("--ledger", default="", help="the simulated server's ledger, for the tab on Locust's page")
    add("--tag", default="", help="begins every key; made from seed and time if not given")
    add(
        "--metrics-listen",
        default="",
        env_var="STATIONS_METRICS_LISTEN",
        help="HOST:PORT to answer Prometheus on; a master speaks for its workers",
    )
    # Set when a test starts, so that workers hear of them.
    for name, kind in (("--origin", float), ("--station-workers", int), ("--clock-offset", float)):
        add(name, type=kind, default=0, include_in_web_ui=False, help=SUPPRESS)


class _Process:
    """This process's part in the load, from `test_start` to `test_stop`."""

    load: Load | None = None
    stations: deque[str]
    clocks: Clocks | None = None
    cpu_percent_max: float = 0.0


class _Options(Protocol):
    """The options of this file, as Locust hands them on, to workers too."""

    scenario: str
    scale: float
    time_scale: float
    seed: int
    via: str
    habit: str | None
    sent: str
    origin: float
    ledger: str
    tag: str
    station_workers: int
    clock_offset: float | None
    metrics_listen: str


def _chosen(environment: Environment) -> _Options:
    return cast("_Options", environment.parsed_options)


def _scenario(options: _Options) -> scenarios.Scenario:
    return _scaled(options.scenario, options.scale, options.time_scale)


@cache
def _scaled(name: str, scale: float, time_scale: float) -> scenarios.Scenario:
    """Read once: Locust asks again every second."""
    return scenarios.load(name).scaled(scale, time_scale)


def _habit(options: _Options) -> str:
    return options.habit or usual_habit(options.via, _scenario(options).stations.habit)


def _workers(runner: Runner | None) -> int:
    """How many processes share the stations."""
    return runner.worker_count if isinstance(runner, MasterRunner) else 1


def _check(environment: Environment, **_: object) -> None:
    options, runner = _chosen(environment), environment.runner
    try:
        _scenario(options)
    except scenarios.ScenarioError as wrong:
        sys.exit(str(wrong))
    if isinstance(runner, MasterRunner):
        _Process.clocks = Clocks(runner)
    elif isinstance(runner, WorkerRunner):
        answer_clock(runner)
    if environment.web_ui is not None:
        Tab(
            environment.web_ui, Path(options.sent), Path(options.ledger) if options.ledger else None
        )


def _offer_metrics(environment: Environment, **_: object) -> None:
    listen = _chosen(environment).metrics_listen
    if listen and not isinstance(environment.runner, WorkerRunner):
        exporter.serve(_Figures(environment), listen)


class _Figures:
    """Locust's statistics, as the exporter reads them."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def entries(self) -> list[exporter.Entry]:
        return list(self._environment.stats.entries.values())

    def users(self) -> int:
        runner = self._environment.runner
        return 0 if runner is None else runner.user_count


def _start(environment: Environment, **_: object) -> None:
    options, runner = _chosen(environment), environment.runner
    if not isinstance(runner, WorkerRunner):
        options.station_workers = workers = _workers(runner)
        options.clock_offset = _Process.clocks.ask(workers) if _Process.clocks else 0.0
        options.origin = time.time() + HEAD_START_SECONDS
    if isinstance(runner, MasterRunner):
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
            clock_offset=options.clock_offset,
        )
    )
    _Process.stations = deque(names[index :: options.station_workers])
    _Process.cpu_percent_max = 0.0
    tag = options.tag or f"{options.seed}-{int(options.origin):x}"
    _Process.load = Load(
        schedule=Schedule.of(scenario, options.seed, tag),
        habit=HABITS[_habit(options)],
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
        workers = _workers(runner)
        users = math.ceil(stations / workers) * workers
        return users, users


class Station(FastHttpUser):
    """One desk of one kecamatan, with a pool of connections of its own."""

    concurrency = MOST_IN_FLIGHT
    connection_timeout = PRESS_SECONDS
    network_timeout = ANSWER_SECONDS
    max_redirects = 0

    def __init__(self, environment: Environment) -> None:
        options = _chosen(environment)
        habit, uplink = _habit(options), _scenario(options).stations.uplink_bits_per_second
        if habit != "careful":
            self.network_timeout = PRESS_SECONDS
        super().__init__(environment)
        http = self.client.client.clientpool.get_client(URL(cast("str", self.host)))
        line = Uplink(uplink) if uplink else None
        report = environment.events.request.fire
        self._wire = Wire(http, report, keyed=habit not in KEYLESS, uplink=line)

    @task
    def work(self) -> None:
        """Take the next desk that nobody sits at, and work until it closes."""
        if _Process.load is not None and _Process.stations:
            name = _Process.stations.popleft()
            if _Process.load.schedule.flood is not None:
                self._wire.say_who(token_of(name))
            Desk(name, _Process.load, self._wire).work()
        raise StopUser


_hooks.init_command_line_parser.add_listener(_options)
_hooks.init.add_listener(_check)
_hooks.init.add_listener(_offer_metrics)
_hooks.test_start.add_listener(_start)
_hooks.test_stop.add_listener(_stop)
