"""Starts what a run needs, has it watched, and stops it in order.

Judges nothing: the folder it leaves behind is read by `loadtests.verdict`.
"""

import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from loadtests import via as vias
from loadtests.logs import LogWriter
from loadtests.parts import Part, running
from loadtests.peers import PEERS
from loadtests.progress import Board
from loadtests.scenario import Scenario
from loadtests.stations import station_names, tokens_file
from loadtests.watch import Watch

LOCUSTFILE = Path(__file__).parent / "locustfile.py"
ANSWER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: `scenario` is its name or file, `scaled` what that is at these scales.

    `folder` is absolute. `habit` is how desks behave, the usual one of `via` if None. `workers`
    processes share the stations. `gateway` is the address of one that runs already; its upstream
    must be `server_listen`.
    """

    scenario: str
    scaled: Scenario
    scale: float
    time_scale: float
    seed: int
    via: str
    folder: Path
    habit: str | None = None
    workers: int = 1
    gateway: str | None = None
    server_listen: str = "127.0.0.1:0"


class FolderError(RuntimeError):
    """The run's folder cannot be used."""


async def drive_all(plans: Sequence[Plan], board: Board, *, at_once: bool) -> None:
    """Make runs one after the other, or all at the same time; if one fails, all end.

    Raises:
        ExceptionGroup: of `FolderError` and `PartError`, as `drive`.
    """
    batches = [plans] if at_once else [[plan] for plan in plans]
    for batch in batches:
        async with asyncio.TaskGroup() as group:
            for plan in batch:
                group.create_task(drive(plan, board))


async def drive(plan: Plan, board: Board) -> None:
    """Carry out one run, and leave its logs in `plan.folder`.

    Raises:
        FolderError: there is a run in the folder already.
        PartError: a program did not start, or did not last.
        PeerError: the proxy's program is not installed.
    """
    _make(plan.folder)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        server, url, control = await stack.enter_async_context(_server(plan))
        way = await stack.enter_async_context(_way(plan, session, url))
        watch = Watch(
            via=plan.via,
            scenario=plan.scaled,
            folder=plan.folder,
            session=session,
            control=control,
            metrics=way.metrics,
            stations=await stack.enter_async_context(_stations(plan, way.url)),
            server=server,
            between=way.part,
            log=stack.enter_context(LogWriter(plan.folder / "gateway.jsonl")),
            board=board,
        )
        await watch.until_over()
    _note_environment(plan.folder, watch.most_memory)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any((folder / name).exists() for name in ("sent.jsonl", "ledger.jsonl")):
        raise FolderError(f"{folder} holds a run already: name another folder with --out")


def _note_environment(folder: Path, most_memory: Mapping[str, int]) -> None:
    """What the report shows of the circumstances; the verdict never weighs it."""
    about = {
        "command": f"python -m loadtests {' '.join(sys.argv[1:])}",
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        **{
            f"most resident memory, {name}": f"{resident / 1e6:.0f} MB"
            for name, resident in most_memory.items()
        },
    }
    (folder / "environment.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


@asynccontextmanager
async def _server(plan: Plan) -> AsyncIterator[tuple[Part, str, str]]:
    """The simulated recording server; with its address, and that of its control."""
    command = [sys.executable, "-m", "loadtests.server"]
    command += ["--listen", plan.server_listen, "--seed", str(plan.seed)]
    command += ["--ledger", str(plan.folder / "ledger.jsonl")]
    for name, value in asdict(plan.scaled.server).items():
        if value is not None:
            command += [f"--{name.replace('_', '-')}", str(value)]
    command += [] if plan.scaled.server_honours_key else ["--ignore-keys"]
    command += [] if plan.scaled.server_lookup else ["--no-lookup"]
    log = plan.folder / "server.log"

    async def announced() -> tuple[str, str] | None:
        for line in log.read_text(encoding="utf-8").splitlines():
            if line.startswith('{"listening"') and line.endswith("}"):
                said = json.loads(line)
                return said["listening"], said["control"]
        return None

    async with running("recording server", command, log) as part:
        url, control = await part.ready(announced)
        yield part, url, control


@asynccontextmanager
async def _way(
    plan: Plan, session: aiohttp.ClientSession, upstream: str
) -> AsyncIterator[vias.Way]:
    """What the stations send to."""
    if plan.gateway is not None:
        yield vias.Way(plan.gateway)
    elif plan.via == "gateway":
        settings = dict(plan.scaled.gateway)
        if plan.scaled.flood is not None:
            # A flood is one station's: the gateway must be able to tell them apart.
            tokens = plan.folder / "tokens.json"
            tokens.write_text(tokens_file(station_names(plan.scaled.stations.per_kecamatan)))
            settings["stations.tokens_file"] = str(tokens)
        async with vias.gateway(session, upstream, plan.folder, settings) as way:
            yield way
    elif plan.via in PEERS:
        peer, server = PEERS[plan.via], plan.scaled.server
        async with vias.proxy(session, peer, upstream, plan.folder, server) as way:
            yield way
    else:
        yield vias.Way(upstream)


@asynccontextmanager
async def _stations(plan: Plan, url: str) -> AsyncIterator[Part]:
    """Locust, headless: all stations of the county."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"]
    command += ["--only-summary", "--exit-code-on-error", "0", "--host", url]
    command += ["--html", str(plan.folder / "locust.html")]
    command += ["--sent", str(plan.folder / "sent.jsonl"), "--scenario", plan.scenario]
    command += ["--scale", str(plan.scale), "--time-scale", str(plan.time_scale)]
    command += ["--seed", str(plan.seed), "--via", plan.via, "--tag", _tag(plan)]
    if plan.habit is not None:
        command += ["--habit", plan.habit]
    if plan.workers > 1:
        command += ["--processes", str(plan.workers)]
    async with running("stations (Locust)", command, plan.folder / "locust.log") as part:
        yield part


def _tag(plan: Plan) -> str:
    """Keys of a gateway that outlives the run must be new; else the seed tells all."""
    return f"{plan.seed}-{int(time.time()):x}" if plan.gateway else str(plan.seed)
