"""Several runs of one scenario side by side: verdicts, figures, pictures on common axes. Pure."""

from collections.abc import Iterable, Sequence
from html import escape

from loadtests.measures import MEANINGS
from loadtests.pages import html
from loadtests.pages.html import Cell, number
from loadtests.pages.pictures import Pictures, on_one_scale
from loadtests.pages.plot import draw
from loadtests.pages.run import figure, mood
from loadtests.verdict import Verdict

KEY = (
    "arrivals",
    "recorded",
    "lost",
    "lost_promised",
    "doubled",
    "answered_in_time",
    "promise_p50",
    "promise_p99",
    "retips",
    "outage_seconds",
    "drain_seconds",
    "drain_ratio",
)
"""What a reader compares first; the whole list is at the end of the page."""


def comparison_page(verdicts: Sequence[Verdict], drawn: Sequence[Pictures]) -> str:
    """The whole page, one column for each run; it fetches nothing."""
    rows = zip(*(run.all() for run in on_one_scale(drawn)), strict=True)
    body = html.fill(
        "compare.html",
        name=escape(verdicts[0].scenario),
        verdicts="".join(_verdict(verdict) for verdict in verdicts),
        table=_table(verdicts, KEY),
        measures=_table(verdicts, MEANINGS),
        rows="".join(
            f'<div class="columns">{"".join(draw(chart) for chart in row)}</div>' for row in rows
        ),
    )
    return html.page(f"{verdicts[0].scenario}, side by side", body, layout="wide")


def _verdict(verdict: Verdict) -> str:
    return (
        f"<div><h2>via {escape(verdict.via)}</h2>"
        f'<p class="verdict {mood(verdict)}">{escape(verdict.sentence)}</p></div>'
    )


def _table(verdicts: Sequence[Verdict], names: Iterable[str]) -> str:
    head = [Cell(""), Cell(""), *(Cell(f"via {verdict.via}", "number") for verdict in verdicts)]
    return html.table(
        head,
        [
            (name, MEANINGS[name], *(_measured(verdict, name) for verdict in verdicts))
            for name in names
        ],
    )


def _measured(verdict: Verdict, name: str) -> Cell:
    missed = {check.target.measure for check in verdict.checks if not check.passed}
    return number(figure(name, verdict.measures[name]), bad=name in missed)
