"""What a run looks like while it goes on: a live table, or plain lines where nobody watches.

Knows nothing of processes: it shows snapshots.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

PLAIN_SECONDS = 5

STYLES = {"up": "green", "steady": "green", "down": "bold red", "open": "bold red"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One run at one moment; times in seconds since its first possible arrival."""

    via: str
    elapsed: float
    until: float
    arrivals: int
    tries: int
    safe: int
    recorded: int
    doubled: int
    waiting: int
    dropped: int
    server: str
    outstanding: int
    gateway: str
    window: str
    kept: str


class Board(Protocol):
    """Shows how runs get on."""

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest state of the run `snapshot.via`."""
        ...


@dataclass(slots=True)
class LiveBoard:
    """One column for each run, written over and over."""

    title: str
    live: Live
    order: Sequence[str]
    _newest: dict[str, Snapshot] = field(default_factory=dict)

    def show(self, snapshot: Snapshot) -> None:
        """Replace the column of this run."""
        self._newest[snapshot.via] = snapshot
        shown = (self._newest[via] for via in self.order if via in self._newest)
        self.live.update(table(self.title, shown), refresh=True)


@dataclass(slots=True)
class PlainBoard:
    """A line for each run, every few seconds."""

    console: Console
    _last: dict[str, float] = field(default_factory=dict)

    def show(self, snapshot: Snapshot) -> None:
        """Print a line if the last one of this run is old enough."""
        last = self._last.get(snapshot.via)
        if last is None or snapshot.elapsed - last >= PLAIN_SECONDS:
            self._last[snapshot.via] = snapshot.elapsed
            self.console.print(line(snapshot), highlight=False, soft_wrap=True)


@contextmanager
def board(console: Console, title: str, order: Sequence[str]) -> Iterator[Board]:
    """The right kind of board for this console, for runs by `via` in this order."""
    if not console.is_terminal:
        yield PlainBoard(console)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield LiveBoard(title, live, order)


def table(title: str, snapshots: Iterable[Snapshot]) -> Table:
    """All runs side by side."""
    shown: Sequence[Snapshot] = list(snapshots)
    made = Table(title=title, title_justify="left", title_style="bold", min_width=60)
    made.add_column("")
    for snapshot in shown:
        made.add_column(f"via {snapshot.via}", justify="right", min_width=16)
    for name in _ROWS:
        made.add_row(name, *(_cell(dict(_rows(snapshot))[name]) for snapshot in shown))
    return made


def line(snapshot: Snapshot) -> str:
    """One run in one line."""
    return f"{snapshot.via}: " + ", ".join(f"{name} {value}" for name, value in _rows(snapshot))


_ROWS = (
    "time",
    "citizens came",
    "times sent",
    "told: safe",
    "recorded",
    "recorded again",
    "not recorded yet",
    "server",
    "server's queue",
    "gateway",
    "window",
    "kept by the gateway",
    "arrivals dropped",
)


def _rows(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    values = (
        _time(snapshot),
        f"{snapshot.arrivals:,}",
        f"{snapshot.tries:,}",
        f"{snapshot.safe:,}",
        f"{snapshot.recorded:,}",
        f"{snapshot.doubled:,}",
        f"{snapshot.waiting:,}",
        snapshot.server,
        f"{snapshot.outstanding:,}",
        snapshot.gateway,
        snapshot.window,
        snapshot.kept,
        f"{snapshot.dropped:,}",
    )
    return zip(_ROWS, values, strict=True)


def _time(snapshot: Snapshot) -> str:
    if snapshot.elapsed < 0:
        return "starting"
    return f"{_clock(snapshot.elapsed)} of at most {_clock(snapshot.until)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}"


def _cell(value: str) -> Text:
    return Text(value, style=STYLES.get(value, ""))
