"""``python -m benchmarks.harness``: is the load harness right, and how much can it send?

Takes about twenty minutes on two cores. The page is written after each question, so that what was
measured stands, whatever becomes of the next; what fails keeps what stood there before.
"""

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.harness import latency, limit, workers
from benchmarks.harness.page import Sections, of_latency, of_limits, of_workers, page, read
from benchmarks.programs import BenchmarkFault, Cores


def _latency(cores: Cores, folder: Path, share: float) -> Sections:
    return of_latency(latency.measure(cores, folder, share=share))


def _limit(cores: Cores, folder: Path, share: float) -> Sections:
    return of_limits(limit.measure(cores, folder, share=share))


def _workers(_cores: Cores, folder: Path, share: float) -> Sections:
    return of_workers(workers.measure(folder, share=share))


QUESTIONS: Final[dict[str, Callable[[Cores, Path, float], Sections]]] = {
    "latency": _latency,
    "workers": _workers,
    "limit": _limit,
}


def main() -> int:
    """Exit code 0: measured; 1: something could not be."""
    given = _arguments().parse_args()
    cores, failed = Cores.chosen(), 0
    for question in given.question or QUESTIONS:
        print(f"{time.strftime('%H:%M:%S')} {question}", flush=True)
        try:
            with tempfile.TemporaryDirectory(prefix="harness-") as folder:
                found = QUESTIONS[question](cores, Path(folder), given.share)
        except (BenchmarkFault, OSError, ValueError, LookupError) as fault:
            print(f"{question}: could not be measured: {fault!r}", file=sys.stderr, flush=True)
            failed = 1
        else:
            _write(given.out, found)
    print(f"{time.strftime('%H:%M:%S')} {given.out} holds the figures.", flush=True)
    return failed


def _write(out: Path, found: Sections) -> None:
    known = read(out.read_text(encoding="utf-8")) if out.exists() else {}
    machine = (
        f"{platform.system()} {platform.machine()}, two cores, Python {platform.python_version()}"
    )
    out.write_text(page({**known, **found}, machine), encoding="utf-8")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.harness", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/harness.md"))
    parser.add_argument("--question", action="append", choices=list(QUESTIONS))
    parser.add_argument("--share", type=float, default=1.0, help="of the time of each measurement")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkFault as fault:
        sys.exit(f"benchmarks: {fault}")
