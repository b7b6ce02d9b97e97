"""Several ways through one scenario as a Markdown table, for a wiki or a repository. Pure."""

from collections.abc import Iterable, Sequence

from loadtests.medians import worst
from loadtests.pages.comparison import Compared, seeds_said, told
from loadtests.pages.run import figure

COLUMNS = {
    "once": "recorded exactly once",
    "lost": "lost",
    "doubled": "doubled",
    "answered_in_time": "answered in time",
    "retips": "re-tips",
    "outage_seconds": "down",
    "drain_seconds": "drain",
    "drain_ratio": "drain / ideal",
    "promise_p50": "promise p50",
    "promise_p99": "p99",
    "attempts_ratio": "requests each",
}
"""Measures that a reader compares, with the head of their column."""


def comparison_markdown(ways: Sequence[Compared]) -> str:
    """A heading, one row for each way, and what the worst run of each says."""
    first = ways[0].verdicts[0]
    arrivals = figure("arrivals", first.measures["arrivals"])
    seeds = [verdict.seed for verdict in ways[0].verdicts]
    rows = [
        ["via", *COLUMNS.values()],
        ["---", *("---:" for _ in COLUMNS)],
        *([way.via, *(told(way.verdicts, name) for name in COLUMNS)] for way in ways),
    ]
    return "\n".join(
        [
            f"## {first.scenario}",
            "",
            f"{arrivals} enrollments in the first run. {seeds_said(seeds)}",
            "",
            *map(_row, rows),
            "",
            *(f"- **{way.via}**: {worst(way.verdicts).sentence}" for way in ways),
            "",
        ]
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
