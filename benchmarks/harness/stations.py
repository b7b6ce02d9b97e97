"""Stations against a server of ours, and what both logs say of the answers' times."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.programs import BenchmarkFault
from loadtests.evidence import Evidence
from loadtests.logs import Recorded, read_ledger
from loadtests.measures import percentile
from loadtests.run import LOCUSTFILE
from loadtests.verdict import examine

SHARES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

_SCENARIO: Final = """
title = "A steady load"
prose = "Written by a benchmark."
limit_seconds = 20
[arrivals]
per_second = {per_second}
seconds = {seconds}
[packets]
median_bytes = {size}
p95_bytes = {size}
max_bytes = {size}
[stations]
asynchronous_share = 0
ordered_share = 0
[server]
workers = 1
service_seconds = 1
"""


@dataclass(frozen=True, slots=True)
class Steady:
    """``per_second`` arrivals of ``size`` bytes for ``seconds``, from ``processes`` processes."""

    per_second: float
    seconds: float
    size: int = 2048
    processes: int = 1

    def send(self, url: str, folder: Path, *, frozen: "Freeze | None" = None) -> Evidence:
        """Send it all; what is in ``folder`` then: the stations' log, and a ledger if any.

        Raises:
            BenchmarkFault: Locust failed, or a process of it did not last.
        """
        scenario = folder / "steady.toml"
        values = {"per_second": self.per_second, "seconds": self.seconds, "size": self.size}
        scenario.write_text(_SCENARIO.format(**values), encoding="utf-8")
        command = locust(LOCUSTFILE, url, folder)
        command += ["--scenario", str(scenario), "--via", "direct", "--habit", "careful"]
        command += ["--sent", str(folder / "sent.jsonl")]
        if self.processes > 1:
            command += ["--processes", str(self.processes)]
        drive(command, folder, frozen)
        evidence, _ = examine(folder)
        if not evidence.runs or len(evidence.runs) != len(evidence.ends):
            raise BenchmarkFault("a generating process did not last until the end of the load")
        return evidence


@dataclass(frozen=True, slots=True)
class Freeze:
    """Process ``pid`` stands still for ``seconds``, ``after`` seconds from the load's start."""

    pid: int
    after: float
    seconds: float

    def happen(self) -> None:
        """Wait, stop it, wait, let it go on."""
        time.sleep(self.after)
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(self.seconds)
        os.kill(self.pid, signal.SIGCONT)


def locust(file: Path, url: str, folder: Path) -> list[str]:
    """The beginning of a command for Locust without its page; figures go to ``folder``."""
    command = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--host", url]
    return [*command, "--only-summary", "--exit-code-on-error", "0", "--csv", str(folder / "csv")]


def drive(command: list[str], folder: Path, frozen: Freeze | None) -> None:
    """Run Locust to its end.

    Raises:
        BenchmarkFault: it failed.
    """
    with (folder / "locust.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            if frozen is not None:
                frozen.happen()
            code = process.wait()
        finally:
            process.terminate()
            process.wait()
    if code:
        tail = (folder / "locust.log").read_text("utf-8", "replace")[-800:]
        raise BenchmarkFault(f"Locust ended with {code}. Its last words:\n{tail}")


def truth(ledger: Path) -> dict[str, float]:
    """Percentiles, in seconds, of how long the server itself took, from receipt to effect."""
    took = sorted(
        event.at - event.received_at for event in read_ledger(ledger) if isinstance(event, Recorded)
    )
    return {name: percentile(took, share) for name, share in SHARES.items()}
