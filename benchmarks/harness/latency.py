"""Is the latency right that stations measure: against the server's own log, and over a freeze."""

import csv
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.harness.stations import SHARES, Freeze, Steady, drive, locust, truth
from benchmarks.programs import Cores, Program, free_port, running
from loadtests.verdict import decide

CLOSED: Final = Path(__file__).parent / "closed_loop.py"
PER_SECOND: Final = 25
SECONDS: Final = 60
FREEZE_SECONDS: Final = 5.0
FREEZE_AFTER: Final = 30.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds by percentile.

    ``measured`` and ``true`` are of one run; ``open`` and ``closed`` of two over the same freeze,
    in which ``open_sent`` and ``closed_sent`` arrivals happened. These took ``seconds`` with
    ``per_second`` arrivals, and the server stood still for ``freeze_seconds``.
    """

    per_second: float
    seconds: float
    freeze_seconds: float
    measured: dict[str, float]
    true: dict[str, float]
    open: dict[str, float]
    closed: dict[str, float]
    open_sent: int
    closed_sent: int


def measure(cores: Cores, folder: Path, *, share: float) -> Latency:
    """Three runs of a minute each, or of that share of it."""
    seconds, still = SECONDS * share, FREEZE_SECONDS * share
    with _server(cores, folder / "true") as (_, url, room):
        verdict = decide(Steady(50, seconds).send(url, room))
        true = truth(room / "ledger.jsonl")
        print("  beside the server's ledger", flush=True)
    with _server(cores, folder / "open") as (server, url, room):
        freeze = Freeze(server.pid, FREEZE_AFTER * share, still)
        opened = decide(Steady(PER_SECOND, seconds).send(url, room, frozen=freeze))
        print("  open loop over a freeze", flush=True)
    with _server(cores, folder / "closed") as (server, url, room):
        freeze = Freeze(server.pid, FREEZE_AFTER * share, still)
        command = locust(CLOSED, url, room)
        command += ["-u", str(PER_SECOND), "-r", str(PER_SECOND), "-t", f"{seconds:.0f}s"]
        drive(command, room, freeze)
        closed, sent = _closed(room / "csv_stats.csv")
        print("  closed loop over a freeze", flush=True)
    return Latency(
        per_second=PER_SECOND,
        seconds=seconds,
        freeze_seconds=still,
        measured=_answers(verdict.measures),
        true=true,
        open=_answers(opened.measures),
        closed=closed,
        open_sent=int(opened.measures["arrivals"] or 0),
        closed_sent=sent,
    )


@contextmanager
def _server(cores: Cores, folder: Path) -> Iterator[tuple[Program, str, Path]]:
    """A simulated server with room for all, and delays that differ much."""
    folder.mkdir(parents=True)
    port = free_port()
    command = [sys.executable, "-m", "loadtests", "server", "--listen", f"127.0.0.1:{port}"]
    command += ["--workers", "500", "--service-seconds", "0.4", "--cv", "0.6"]
    command += ["--ledger", str(folder / "ledger.jsonl")]
    with running("server", command, core=cores.server, folder=folder, port=port) as program:
        yield program, f"http://127.0.0.1:{port}", folder


def _answers(measures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: measures[f"answer_{name}"] or 0.0 for name in SHARES}


def _closed(stats: Path) -> tuple[dict[str, float], int]:
    """What Locust itself reports, from its file of figures."""
    with stats.open(encoding="utf-8", newline="") as file:
        whole = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    columns = {"p50": "50%", "p95": "95%", "p99": "99%"}
    seconds = {name: float(whole[column]) / 1000 for name, column in columns.items()}
    return seconds, int(whole["Request Count"])
