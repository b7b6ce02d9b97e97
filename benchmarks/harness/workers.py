"""Does it matter how many processes the stations are: the same run with one, and with two."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Final

from benchmarks.programs import BenchmarkFault
from loadtests.medians import Spread, spread
from loadtests.verdict import HARMED, Verdict, decide, examine

SCENARIO: Final = "demo"
ROUNDS: Final = 3
TIME_SCALE: Final = 0.5
ALIKE: Final = 0.02
"""Medians that differ by no more are the same, however little each run differs from the next."""
COUNTED: Final = ("arrivals", "recorded")
FIGURES: Final = (
    *(f"promise_{name}" for name in ("p50", "p95", "p99")),
    *(f"answer_{name}" for name in ("p50", "p95", "p99")),
    "drain_seconds",
    "sent_late_p99",
)


@dataclass(frozen=True, slots=True)
class Workers:
    """The verdicts of the same run with one process and with two, round by round."""

    one: Sequence[Verdict]
    two: Sequence[Verdict]


def measure(folder: Path, *, share: float) -> Workers:
    """In turn, so that what disturbs the machine disturbs both.

    Raises:
        BenchmarkFault: a run could not be made.
    """
    one: list[Verdict] = []
    two: list[Verdict] = []
    for number in range(ROUNDS):
        for verdicts, workers in ((one, 1), (two, 2)):
            room = folder / f"{number}-{workers}"
            verdicts.append(_run(room, workers, TIME_SCALE * share))
            print(f"  round {number + 1}, {workers}: {verdicts[-1].sentence}", flush=True)
    return Workers(one, two)


def within_noise(one: Spread, two: Spread) -> bool:
    """Whether the runs with one process and those with two tell the same of a figure."""
    if one.least is None or one.most is None or two.least is None or two.most is None:
        return one == two
    if one.least <= two.most and two.least <= one.most:
        return True
    return isclose(one.middle or 0.0, two.middle or 0.0, rel_tol=ALIKE)


def _run(folder: Path, workers: int, time_scale: float) -> Verdict:
    command = [sys.executable, "-m", "loadtests", "run", SCENARIO, "--seed", "1"]
    command += ["--workers", str(workers), "--time-scale", f"{time_scale:g}", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode > HARMED or not (folder / "ledger.jsonl").exists():
        said = f"{done.stdout}{done.stderr}"[-800:]
        raise BenchmarkFault(f"{' '.join(command[1:])} failed:\n{said}")
    return decide(*examine(folder))


def spreads(found: Workers, figure: str) -> tuple[Spread, Spread]:
    """A figure with one process and with two."""
    return spread(found.one, figure), spread(found.two, figure)
