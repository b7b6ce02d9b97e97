"""`python -m tests.acceptance.seeds_page FOLDER > docs/cluster.md`: each seed's end, as a page.

Exit code 1 where a seed failed, or the median of them was late.
"""

import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from tests.acceptance.seeds import (
    DELIVERY_SECONDS,
    INTAKE_SECONDS,
    Back,
    Tried,
    good,
    load,
)

_TOP = f"""\
# Several gateways on three PostgreSQL nodes, killed in a surge

Written by `make cluster`; not to be edited. Each seed has a recording server, two gateways and
three real PostgreSQL nodes (`ANY 1 (…)`, on loopback, files in memory). Stations send a surge, the
fault is done in the middle of it, everything drains, and the stations' log is judged against the
server's ledger: nothing may be lost, doubled, invented or altered. Every other seed has a server
that ignores keys and is asked by lookup.

*Back* counts from the fault to the first promise to an enrollment that was sent after it (intake),
and to the first such enrollment that the server recorded (delivery). The medians must be below
{INTAKE_SECONDS:.0f} s and {DELIVERY_SECONDS:.0f} s. A standby is promoted at once: what a manager
takes to notice that a primary is dead comes on top. A gateway that dies or stands still keeps its
turn to deliver for up to 5 s.
"""


def page(results: Sequence[Tried], *, cores: int) -> str:
    """The whole page in Markdown.

    Args:
        results: of any number of faults; those of one stand together.
        cores: of the machine that all of it shared.
    """
    groups = [(fault, list(each)) for fault, each in groupby(results, key=lambda one: one.fault)]
    lines = [_TOP, f"This run: {len(results)} seeds on {cores} cores.", ""]
    lines += [
        "| fault | seeds | failed | intake back: median, worst | delivery back: median, worst | |"
    ]
    lines += ["|---|---|---|---|---|---|"]
    lines += [_summary(fault, each) for fault, each in groups]
    for fault, each in groups:
        lines += ["", f"## {fault.capitalize()}", "", *_seeds(each)]
    return "\n".join(lines) + "\n"


def _summary(fault: str, results: Sequence[Tried]) -> str:
    backs = [result.back for result in results if result.back is not None]
    verdict = "passed" if good(results) else "**FAILED**"
    figures = [_median_and_worst(backs, "intake"), _median_and_worst(backs, "delivery")]
    counts = (len(results), len(results) - len(backs))
    return f"| {fault} | {counts[0]} | {counts[1]} | {figures[0]} | {figures[1]} | {verdict} |"


def _median_and_worst(backs: Sequence[Back], name: str) -> str:
    seconds = [getattr(back, name) for back in backs]
    return f"{statistics.median(seconds):.2f} s, {max(seconds):.2f} s" if seconds else "none"


def _seeds(results: Sequence[Tried]) -> Iterator[str]:
    yield "| seed | intake back, s | delivery back, s | lost, doubled, invented, altered |"
    yield "|---|---|---|---|"
    for each in results:
        if each.back is None:
            trouble = (each.trouble or "").replace("|", "\\|")
            yield f"| {each.seed} | | | **FAILED** {trouble} |"
        else:
            yield f"| {each.seed} | {each.back.intake:.2f} | {each.back.delivery:.2f} | 0 |"


if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).glob("*.jsonl"))
    found = [each for file in files for each in load(file.read_text("utf-8"))]
    sys.stdout.write(page(found, cores=os.cpu_count() or 1))
    sys.exit(
        not found
        or any(not good(list(each)) for _, each in groupby(found, key=lambda one: one.fault))
    )
