"""Looks at a run once a second: plays its faults, counts, samples, shows, and ends it in time.

Knows the parts of the run only as addresses and processes; starts none of them.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families

from loadtests.logs import GatewaySample, LogWriter
from loadtests.parts import Part, PartError, fetch
from loadtests.progress import Board, Snapshot
from loadtests.scenario import Scenario
from loadtests.tally import Tail, Tally

LOOK_SECONDS = 1.0
OVERTIME_SECONDS = 60.0
SETTLE_SECONDS = 5.0
METRIC = "enrollment_gateway_"


@dataclass(slots=True)
class Watch:
    """Watches one run from the first program's start until the stations have gone home.

    `control` is the address of the simulated server's control, `metrics` that of the gateway's
    metrics if there is one to ask; `between` is the gateway or proxy, if this run started one;
    `most_memory` is resident bytes by program.
    """

    via: str
    scenario: Scenario
    folder: Path
    session: aiohttp.ClientSession
    control: str
    metrics: str | None
    stations: Part
    server: Part
    between: Part | None
    log: LogWriter
    board: Board
    most_memory: dict[str, int] = field(default_factory=dict)
    _tally: Tally = field(default_factory=Tally)

    async def until_over(self) -> None:
        """Play the faults, and show how the run goes until the stations have gone home.

        Raises:
            PartError: a program ended that should not have, or did not end when it should have.
        """
        sent, ledger = (Tail(self.folder / name) for name in ("sent.jsonl", "ledger.jsonl"))
        until = self.scenario.arrivals.seconds + self.scenario.limit_seconds
        deadline = time.monotonic() + until + OVERTIME_SECONDS
        played: asyncio.Task[None] | None = None
        while self.stations.is_running:
            self._tally.take_sent(sent.lines())
            self._tally.take_ledger(ledger.lines())
            if self._tally.origin is not None and played is None:
                await self._play_faults(self._tally.origin)
                played = asyncio.create_task(self._play_kills(self._tally.origin))
            await self._look(until)
            for part in self._others:
                if part.has_failed:
                    raise part.failed("ended during the run")
            if time.monotonic() > deadline:
                raise self.stations.failed("did not stop in time")
            await asyncio.sleep(LOOK_SECONDS)
        if played is None:
            raise self.stations.failed("ended before the first citizen came")
        await played
        await self._settle()

    async def _play_faults(self, origin: float) -> None:
        """Hand the server its script, counted from the first possible arrival."""
        ahead = origin - time.time()
        script = [fault.model_dump(mode="json") for fault in self.scenario.faults]
        for fault in script:
            fault["at_seconds"] = max(0.0, fault["at_seconds"] + ahead)
        async with self.session.post(f"{self.control}/_server/fault", json=script) as response:
            if response.status != 200:
                raise PartError(f"The server refused its faults: {await response.text()}")

    async def _play_kills(self, origin: float) -> None:
        """Kill the gateway when the scenario says so, and start it again."""
        if self.between is None:
            return
        for kill in self.scenario.kills:
            await asyncio.sleep(max(0.0, origin + kill.at_seconds - time.time()))
            await self.between.kill()
            await asyncio.sleep(kill.down_seconds)
            await self.between.start()

    @property
    def _others(self) -> tuple[Part, ...]:
        return (self.server,) if self.between is None else (self.server, self.between)

    async def _look(self, until: float) -> None:
        server, gateway = await asyncio.gather(self._server_state(), self._gateway_sample())
        for part in (self.stations, *self._others):
            self.most_memory[part.name] = max(self.most_memory.get(part.name, 0), _resident(part))
        tally = self._tally
        self.board.show(
            Snapshot(
                via=self.via,
                elapsed=-1.0 if tally.origin is None else time.time() - tally.origin,
                until=until,
                arrivals=tally.arrivals,
                tries=tally.tries,
                safe=tally.safe,
                recorded=tally.recorded,
                doubled=tally.doubled,
                waiting=tally.waiting,
                dropped=tally.dropped,
                server=str(server.get("state", "no answer")),
                outstanding=int(server.get("outstanding", 0)),
                gateway="-" if gateway is None else gateway.state,
                window="-" if gateway is None else f"{gateway.window:.0f}",
                kept="-" if gateway is None else f"{gateway.pending:,}",
            )
        )

    async def _settle(self) -> None:
        """Let the server finish what is in its hands: that, too, is recorded."""
        for _ in range(int(SETTLE_SECONDS / LOOK_SECONDS)):
            state = await self._server_state()
            if not state.get("outstanding") or state.get("state") == "down":
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _server_state(self) -> Mapping[str, str]:
        text = await fetch(self.session, f"{self.control}/_server/state")
        state: Mapping[str, str] = {} if text is None else json.loads(text)
        return state

    async def _gateway_sample(self) -> GatewaySample | None:
        text = None if self.metrics is None else await fetch(self.session, self.metrics)
        if text is None:
            return None
        sample = gateway_sample(text, time.time())
        if self.between is not None:
            sample = replace(sample, resident_bytes=_resident(self.between) or None)
        self.log.write(sample)
        return sample


def gateway_sample(exposition: str, at: float) -> GatewaySample:
    """What the gateway's own metrics (Prometheus text) say of it; `at` is wall-clock seconds."""
    plain: dict[str, float] = {}
    state = "unknown"
    undelivered = 0.0
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name == f"{METRIC}upstream_state" and sample.value:
                state = sample.labels["state"]
            elif sample.name == f"{METRIC}enrollments":
                waits = sample.labels["status"] in {"pending", "sending", "in_doubt"}
                undelivered += sample.value if waits else 0
            elif not sample.labels:
                plain[sample.name] = sample.value
    return GatewaySample(
        at=at,
        state=state,
        window=plain.get(f"{METRIC}window", 0.0),
        outstanding=int(plain.get(f"{METRIC}outstanding", 0)),
        pending=int(undelivered),
    )


def _resident(part: Part) -> int:
    """Resident memory in bytes; 0 for a program that has just ended."""
    try:
        return int(psutil.Process(part.pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
