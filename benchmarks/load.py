"""The load: wrk with a script, from a core of its own. Tells a rate, and refuses a run with faults.

Must not know who answers.
"""

import json
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.programs import BenchmarkFault, Program, pinned

SCRIPT: Final = Path(__file__).parent / "lua" / "post.lua"
WARM_UP_SECONDS: Final = 2.0
ASYNC: Final = "Prefer: respond-async\r\n"
"""The header line of a station that asks for a receipt at once."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One round.

    Attributes:
        rate: answers per second.
        cpu: processor seconds of the server for each answer.
        p50: seconds.
        p99: seconds.
        answers: how many there were.
    """

    rate: float
    cpu: float
    p50: float
    p99: float
    answers: int


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: ``connections`` at once, bodies of ``size`` bytes, more header lines."""

    size: int
    connections: int = 64
    headers: str = ""

    def run(self, program: Program, port: int, *, seconds: float, core: int) -> Measured:
        """One round against a program.

        Raises:
            BenchmarkFault: wrk is missing, or not every request was answered well.
        """
        if shutil.which("wrk") is None:
            raise BenchmarkFault("wrk is missing; install it: apt-get install wrk")
        command = [
            "wrk",
            "-t1",
            f"-c{self.connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "30s",
        ]
        command += ["-s", str(SCRIPT), f"http://127.0.0.1:{port}", "--"]
        command += [str(self.size), secrets.token_hex(6), self.headers]
        before = program.cpu_seconds()
        with pinned(core):
            done = subprocess.run(command, capture_output=True, check=True, text=True)
        used = program.cpu_seconds() - before
        seen = json.loads(done.stdout.splitlines()[-1])
        if seen["failed"] or seen["refused"] or not seen["requests"]:
            raise BenchmarkFault(f"{program.name} did not answer every request well: {seen}")
        return Measured(
            rate=seen["requests"] / seen["microseconds"] * 1e6,
            cpu=used / seen["requests"],
            p50=seen["p50"] / 1e6,
            p99=seen["p99"] / 1e6,
            answers=seen["requests"],
        )
