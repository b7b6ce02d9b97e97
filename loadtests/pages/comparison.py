"""Several runs of one scenario side by side: verdicts, figures, pictures on common axes. Pure."""

from collections.abc import Sequence
from html import escape

from loadtests.measures import MEANINGS
from loadtests.pages import html
from loadtests.pages.html import Cell, number
from loadtests.pages.pictures import Pictures, on_one_scale
from loadtests.pages.plot import draw
from loadtests.pages.run import figure, mood
from loadtests.verdict import Verdict


def comparison_page(verdicts: Sequence[Verdict], drawn: Sequence[Pictures]) -> str:
    """The whole page, one column for each run; it fetches nothing."""
    rows = zip(*(run.all() for run in on_one_scale(drawn)), strict=True)
    body = html.fill(
        "compare.html",
        name=escape(verdicts[0].scenario),
        verdicts="".join(_verdict(verdict) for verdict in verdicts),
        table=_table(verdicts),
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


def _table(verdicts: Sequence[Verdict]) -> str:
    head = [Cell(""), Cell(""), *(Cell(f"via {verdict.via}", "number") for verdict in verdicts)]
    return html.table(
        head,
        [
            (name, meaning, *(_measured(verdict, name) for verdict in verdicts))
            for name, meaning in MEANINGS.items()
        ],
    )


def _measured(verdict: Verdict, name: str) -> Cell:
    missed = {check.target.measure for check in verdict.checks if not check.passed}
    return number(figure(name, verdict.measures[name]), bad=name in missed)
