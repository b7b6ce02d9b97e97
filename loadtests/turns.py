"""What the gateway's own log says of its window: every change, with its reason.

Pure over lines. It is the gateway's word: for pictures and tables, never for the verdict. Knows
nothing of the ledger but when requests came and went.
"""

import heapq
import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from loadtests.evidence import Case

ON_THE_WAY_SECONDS = 0.25
"""A request that began under one window may reach the server under the next."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One change: `what` is `state`, `window` or `cliff`; `at` is wall-clock seconds."""

    at: float
    what: str
    before: str
    after: str
    reason: str


_EVENTS = {
    "upstream_state_changed": ("state", "from_state", "to_state"),
    "window_changed": ("window", "before", "after"),
    "cliff_learned": ("cliff", "", "at"),
}


def read_turns(lines: Iterable[str]) -> tuple[Turn, ...]:
    """The changes in a log of JSON lines, in order; whatever else is in it is passed over."""
    found: list[Turn] = []
    for line in lines:
        try:
            said = json.loads(line)
            what, before, after = _EVENTS[said["event"]]
            at = datetime.fromisoformat(said["timestamp"]).timestamp()
            turn = Turn(at, what, str(said.get(before, "")), str(said[after]), "")
        except (ValueError, KeyError, TypeError):
            continue
        reason = str(said.get("reason", "the server fell over with so many outstanding"))
        found.append(Turn(turn.at, turn.what, turn.before, turn.after, reason))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many requests were checked on their arrival, and how many found too many outstanding.

    `most_over` is by how many at the worst; zero or less: never.
    """

    checked: int
    over: int
    most_over: int


def within_window(turns: Sequence[Turn], cases: Iterable[Case]) -> Bounds | None:
    """Compare what the server had in its hands, by its ledger, with the window of that moment.

    Counts those that it recorded in the end, at the arrival of each. None: the gateway's log tells
    of no window.
    """
    windows = [(turn.at, int(turn.after)) for turn in turns if turn.what == "window"]
    if not windows:
        return None
    first = next(turn for turn in turns if turn.what == "window")
    windows.insert(0, (float("-inf"), int(first.before)))
    times = [at for at, _ in windows]
    served = sorted(
        (case.received_at, case.recorded_at)
        for case in cases
        if case.received_at is not None and case.recorded_at is not None
    )
    ends: list[float] = []
    over, most_over = 0, -(10**9)
    for received_at, recorded_at in served:
        while ends and ends[0] <= received_at:
            heapq.heappop(ends)
        heapq.heappush(ends, recorded_at)
        since = bisect_right(times, received_at - ON_THE_WAY_SECONDS) - 1
        until = bisect_right(times, received_at)
        excess = len(ends) - max(window for _, window in windows[since:until])
        over += excess > 0
        most_over = max(most_over, excess)
    return Bounds(len(served), over, most_over)
