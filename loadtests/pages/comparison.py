"""Several ways through one scenario side by side: verdicts, figures, common pictures. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from loadtests.meanings import MEANINGS
from loadtests.medians import spread, worst
from loadtests.pages import html
from loadtests.pages.html import Cell, number
from loadtests.pages.overlay import overlay
from loadtests.pages.pictures import Pictures, on_one_scale
from loadtests.pages.plot import draw
from loadtests.pages.run import figure, mood
from loadtests.verdict import Verdict

KEY = {
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
"""What a reader compares first, with the head of its column; the rest is at the page's end."""

COLUMNS = 3
"""So many ways have their pictures beside each other; more share one,
and have a row of the table each."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One way: a verdict for each seed, and the pictures of the first."""

    verdicts: Sequence[Verdict]
    drawn: Pictures

    @property
    def via(self) -> str:
        """Its name."""
        return self.verdicts[0].via


def comparison_page(ways: Sequence[Compared]) -> str:
    """The whole page, one column for each way; it fetches nothing."""
    seeds = [verdict.seed for verdict in ways[0].verdicts]
    scenario = ways[0].verdicts[0].scenario
    body = html.fill(
        "compare.html",
        name=escape(scenario),
        seeds=seeds_said(seeds),
        verdicts="".join(map(_verdict, ways)),
        table=_key_figures(ways),
        measures=_table(ways, MEANINGS),
        rows=_side_by_side(ways) if len(ways) <= COLUMNS else _overlaid(ways),
    )
    return html.page(f"{scenario}, side by side", body, layout="wide")


def seeds_said(seeds: Sequence[int]) -> str:
    """What the figures are: one run, or medians of several."""
    if len(seeds) == 1:
        return f"The same citizens at the same times each way (seed {seeds[0]})."
    return (
        f"Medians of {len(seeds)} runs (seeds {', '.join(map(str, seeds))}), least and most behind "
        "them; the verdicts are those of the worst run, the pictures those of the first."
    )


def _side_by_side(ways: Sequence[Compared]) -> str:
    rows = zip(*(run.all() for run in on_one_scale([way.drawn for way in ways])), strict=True)
    return "".join(
        f'<div class="columns">{"".join(draw(chart) for chart in row)}</div>' for row in rows
    )


def _overlaid(ways: Sequence[Compared]) -> str:
    return "".join(draw(chart) for chart in overlay({way.via: way.drawn for way in ways}))


def _verdict(way: Compared) -> str:
    verdict = worst(way.verdicts)
    return (
        f"<div><h2>via {escape(way.via)}</h2>"
        f'<p class="verdict {mood(verdict)}">{escape(verdict.sentence)}</p></div>'
    )


def _key_figures(ways: Sequence[Compared]) -> str:
    """A column for each way; where those are many, a row for each."""
    if len(ways) <= COLUMNS:
        return _table(ways, KEY)
    head = [Cell("via"), *(Cell(label, "number") for label in KEY.values())]
    return html.table(head, [(way.via, *(_measured(way, name) for name in KEY)) for way in ways])


def _table(ways: Sequence[Compared], names: Iterable[str]) -> str:
    head = [Cell(""), Cell(""), *(Cell(f"via {way.via}", "number") for way in ways)]
    return html.table(
        head,
        [(name, MEANINGS[name], *(_measured(way, name) for way in ways)) for name in names],
    )


def _measured(way: Compared, name: str) -> Cell:
    missed = {
        check.target.measure
        for verdict in way.verdicts
        for check in verdict.checks
        if not check.passed
    }
    return number(told(way.verdicts, name), bad=name in missed)


def told(verdicts: Sequence[Verdict], name: str) -> str:
    """A measure over the seeds: the median, and its bounds where runs differ."""
    over = spread(verdicts, name)
    middle = figure(name, over.middle)
    if over.is_one:
        return middle
    return f"{middle} ({figure(name, over.least)} to {figure(name, over.most)})"
