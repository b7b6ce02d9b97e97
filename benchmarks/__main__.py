"""``python -m benchmarks``: measure, print, and write the page."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import FIGURES
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import BenchmarkFault, Cores
from benchmarks.report import text


def main() -> int:
    """Exit code 0: measured; 1: it could not be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--figure", type=int, action="append", choices=sorted(FIGURES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--size", action="append", choices=list(SIZES))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        plan = Plan(
            rounds=given.rounds,
            seconds=given.seconds,
            folder=Path(folder),
            cores=Cores.chosen(),
            sizes=tuple(given.size or SIZES),
        )
        for number in given.figure or sorted(FIGURES):
            print(text(FIGURES[number](plan)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkFault as fault:
        sys.exit(f"benchmarks: {fault}")
