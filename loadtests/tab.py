"""A tab of Locust's own web page: the backlog, the server's state, and the verdict so far.

Reads both logs as they grow. The verdict of a run is made from them afterwards, by itself.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtests.tally import Tail, Tally

KEY = "enrollments"
TITLE = "Enrollments"
STRUCTURE = ({"key": "what", "title": "What"}, {"key": "now", "title": "Now"})

Row = Mapping[str, str]


def rows(tally: Tally, *, ledger_is_known: bool) -> Sequence[Row]:
    """What the tab shows, top to bottom. Pure."""
    shown = {
        "Verdict so far": so_far(tally, ledger_is_known=ledger_is_known),
        "Citizens came": f"{tally.arrivals:,}",
        "Promised or answered": f"{tally.safe:,}",
        "Tries of stations": f"{tally.tries:,}",
    }
    if ledger_is_known:
        shown |= {
            "Recorded by the server": f"{tally.recorded:,}",
            "Backlog: came, not recorded": f"{tally.waiting:,}",
            "Recorded more than once": f"{tally.doubled:,}",
            "Server": tally.server,
            "Outstanding at the server": f"{tally.outstanding:,}",
        }
    return [{"what": what, "now": now} for what, now in shown.items()]


def so_far(tally: Tally, *, ledger_is_known: bool) -> str:
    """One sentence on a run that is not over: nothing is lost before its end."""
    if tally.dropped:
        return f"INVALID: the generator dropped {tally.dropped:,} arrivals"
    if not ledger_is_known:
        return "no ledger to hold it against: give --ledger FILE of the simulated server"
    if tally.doubled:
        return f"FAILED: {tally.doubled:,} recorded more than once"
    if tally.waiting:
        return f"nothing doubled; {tally.waiting:,} not recorded yet"
    return "all that came are recorded exactly once"


class Tab:
    """Keeps count, and hands its rows to Locust's page."""

    def __init__(self, web_ui: Any, sent: Path, ledger: Path | None) -> None:  # noqa: ANN401 (no types)
        """Add the tab to Locust's `WebUI`; `ledger` is the simulated server's, if it is known."""
        self._tally = Tally()
        self._sent = Tail(sent)
        self._ledger = None if ledger is None else Tail(ledger)
        web_ui.template_args |= {
            "extended_tabs": [{"key": KEY, "title": TITLE}],
            "extended_tables": [{"key": KEY, "structure": list(STRUCTURE)}],
        }
        web_ui.app.after_request(self._extended)

    def _extended(self, response: Any) -> Any:  # noqa: ANN401 (Flask's response)
        """Put the rows beside Locust's own statistics, which its page asks for all the time."""
        data = response.get_json(silent=True) if response.is_json else None
        if isinstance(data, dict) and "user_count" in data:
            data["extended_stats"] = [{"key": KEY, "data": list(self.now())}]
            response.set_data(json.dumps(data))
        return response

    def now(self) -> Sequence[Row]:
        """The rows as of this moment."""
        self._tally.take_sent(self._sent.lines())
        if self._ledger is not None:
            self._tally.take_ledger(self._ledger.lines())
        return rows(self._tally, ledger_is_known=self._ledger is not None)
