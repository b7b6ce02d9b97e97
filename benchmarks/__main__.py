"""``python -m benchmarks``: measure, print, and write the results and their page."""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.figures import FIGURES
from benchmarks.machine import described
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import BenchmarkFault, Cores
from benchmarks.report import merged, page, read, text
from benchmarks.results import Figure

_DOCS: Final = Path(__file__).parent.parent / "docs"


def main() -> int:
    """Exit code 0: measured; 1: a figure could not be."""
    given = _arguments().parse_args()
    machine = described()
    failed = 0
    for number in given.figure or sorted(FIGURES):
        try:
            figure = _measured(number, given)
        except BenchmarkFault as fault:
            print(f"{number}: could not be measured: {fault}", file=sys.stderr)
            failed = 1
            continue
        print(text(figure))
        if given.write:
            _write(figure, machine)
    return failed


def _measured(number: int, given: argparse.Namespace) -> Figure:
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=given.folder) as folder:
        return FIGURES[number](
            Plan(
                rounds=given.rounds,
                seconds=given.seconds,
                folder=Path(folder),
                cores=Cores.chosen(),
                sizes=tuple(given.size or SIZES),
            )
        )


def _write(figure: Figure, machine: dict[str, str]) -> None:
    """At once: what was measured stands, whatever becomes of the next figure."""
    results = _DOCS / "benchmarks.json"
    known = merged(results, [figure], machine)
    results.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (_DOCS / "benchmarks.md").write_text(page(*read(known), _DOCS / "benchmarks"), "utf-8")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--figure", type=int, action="append", choices=sorted(FIGURES))
    parser.add_argument("--rounds", type=int, default=5, help="of each side, in turn")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round")
    parser.add_argument("--size", action="append", choices=list(SIZES))
    parser.add_argument("--folder", type=Path, help="scratch, on the disk in question")
    parser.add_argument("--write", action="store_true", help="docs/benchmarks.*")
    return parser


if __name__ == "__main__":
    sys.exit(main())
