"""``python -m benchmarks.harness``: is the load harness right, and how much can it send?

Takes about fifteen minutes on two cores, and writes ``docs/harness.md``.
"""

import argparse
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import latency, limit
from benchmarks.harness.page import page
from benchmarks.programs import BenchmarkFault, Cores


def main() -> int:
    """Exit code 0: measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.harness", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/harness.md"))
    given = parser.parse_args()
    cores = Cores.chosen()
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        print("latency against the truth, and over a freeze: three minutes")
        right = latency.measure(cores, Path(folder))
        print("how many arrivals a second are kept to the schedule: about ten minutes")
        limits = limit.measure(cores, Path(folder))
    machine = (
        f"{platform.system()} {platform.machine()}, two cores, Python {platform.python_version()}"
    )
    given.out.write_text(page(right, limits, machine), encoding="utf-8")
    print(f"{given.out} holds the figures.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkFault as fault:
        sys.exit(f"benchmarks: {fault}")
