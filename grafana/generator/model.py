"""What a dashboard says, without how Grafana wants it written.

Must not know Grafana's JSON, nor any metric.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

COLUMNS: Final = 24
"""Width of Grafana's grid."""


class Kind(StrEnum):
    """How a panel shows its numbers. The names are those of Grafana's panel types."""

    STAT = "stat"
    LINES = "timeseries"
    STATES = "state-timeline"


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression, and the name of its series (`{{label}}` is replaced)."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Step:
    """From this number upwards (None: from the least) a panel takes this colour."""

    start: float | None
    colour: str


@dataclass(frozen=True, slots=True)
class Text:
    """A word shown instead of a number, and its colour."""

    word: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One question and the queries that answer it.

    Attributes:
        question: the title, ending in a question mark.
        description: how to read the answer, and what is good or bad.
        kind: how it is drawn.
        unit: one of Grafana's unit ids, or `suffix:…`.
        queries: what is drawn, in the legend's order.
        steps: colours by number, from the least up; empty: no number here is good or bad.
        words: texts instead of numbers.
        unknown: what stands where a number cannot be known (NaN).
        colours: of series, by their name.
        stacked: whether the series add up to a whole.
        most: the top of the axis; None: wherever the numbers reach.
        width: in columns of `COLUMNS`.
        height: in rows of the grid.
    """

    question: str
    description: str
    kind: Kind = Kind.LINES
    unit: str
    queries: tuple[Query, ...]
    steps: tuple[Step, ...] = ()
    words: Mapping[int, Text] = field(default_factory=dict)
    unknown: Text | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    stacked: bool = False
    most: float | None = None
    width: int = 12
    height: int = 8


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under one heading."""

    heading: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page.

    Attributes:
        uid: its address in Grafana; links and bookmarks hold it, so it never changes.
        folder: the folder of `grafana/dashboards/` that it stands in.
        title: its name.
        description: whom it is for, and what to look at first.
        span: how far back it looks when opened, such as `6h`.
        refresh: how often it asks again, such as `30s`.
        sections: from the top down.
    """

    uid: str
    folder: str
    title: str
    description: str
    span: str
    refresh: str
    sections: tuple[Section, ...]
