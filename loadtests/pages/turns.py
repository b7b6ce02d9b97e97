"""The gateway's changes of state and window as a part of the report, each with its reason. Pure."""

from collections.abc import Sequence

from loadtests.evidence import Evidence
from loadtests.pages import html
from loadtests.pages.html import Cell, number
from loadtests.turns import Bounds, Turn, within_window

MOST_ROWS = 300


def turns_part(turns: Sequence[Turn], evidence: Evidence) -> str:
    """A heading, what the ledger says of the window, and the table; nothing without a log."""
    if not turns:
        return ""
    bounds = within_window(turns, evidence.cases.values())
    rows = [_row(turn, evidence.origin) for turn in turns[:MOST_ROWS]]
    head = (Cell("after", "number"), "what", "from", "to", "why")
    states = sum(turn.what == "state" for turn in turns)
    left_out = len(turns) - len(rows)
    more = f"<p class=faint>{left_out:,} later ones are not shown.</p>" if left_out else ""
    return (
        f"<h2>What the gateway made of it</h2><p>{_bounds(bounds)}</p>"
        f"<details><summary>{states:,} changes of state, {len(turns) - states:,} of the window,"
        f" each with its reason</summary><div class=scroll>{html.table(head, rows)}</div>{more}"
        "</details>"
    )


def _bounds(bounds: Bounds | None) -> str:
    if bounds is None:
        return "Its window never changed."
    if bounds.over:
        return (
            f"{bounds.over:,} of {bounds.checked:,} requests found more in the server's hands than"
            f" the gateway's window allowed at that moment, by {bounds.most_over:,} at the most."
        )
    return (
        f"None of {bounds.checked:,} requests found more in the server's hands (by its ledger)"
        " than the gateway's window allowed at that moment (by the gateway's log)."
    )


def _row(turn: Turn, origin: float) -> tuple[Cell | str, ...]:
    seconds = number(f"{turn.at - origin:,.1f} s")
    before, after = (name.replace("_", " ") for name in (turn.before, turn.after))
    return (seconds, turn.what, before, after, turn.reason)
