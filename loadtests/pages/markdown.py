"""Several ways through one scenario as a Markdown table, for a wiki or a repository. Pure."""

from collections.abc import Iterable, Sequence

from loadtests.medians import worst
from loadtests.pages.comparison import KEY, Compared, seeds_said, told
from loadtests.pages.run import figure


def comparison_markdown(ways: Sequence[Compared]) -> str:
    """A heading, one row for each way, and what the worst run of each says."""
    first = ways[0].verdicts[0]
    arrivals = figure("arrivals", first.measures["arrivals"])
    seeds = [verdict.seed for verdict in ways[0].verdicts]
    rows = [
        ["via", *KEY.values()],
        ["---", *("---:" for _ in KEY)],
        *([way.via, *(told(way.verdicts, name) for name in KEY)] for way in ways),
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
