"""What a plot shows, as data: lines, dots, rules, shaded times. Pure; `plot` draws it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Line:
    """Values at the chart's `at`; `None` leaves a gap. `css` names the colour."""

    label: str
    css: str
    values: Sequence[float | None]
    style: Literal["line", "area", "dashed"] = "line"


@dataclass(frozen=True, slots=True)
class Dots:
    """Single points (seconds, value); an infinite value lies on the upper edge."""

    label: str
    css: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight dashed line from (x, y) to (x, y)."""

    label: str
    css: str
    start: tuple[float, float]
    end: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Span:
    """A named stretch of time, in seconds."""

    start: float
    end: float
    label: str
    css: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture over `seconds`. `log` is for lengths of time over many magnitudes."""

    title: str
    unit: str
    seconds: float
    at: Sequence[float]
    lines: Sequence[Line] = ()
    dots: Sequence[Dots] = ()
    rules: Sequence[Rule] = ()
    shaded: Sequence[Span] = ()
    strips: Sequence[tuple[str, Sequence[Span]]] = ()
    log: bool = False
    height: int = 240
    top: float | None = None


def highest(chart: Chart) -> float:
    """The largest value that the chart must hold; 1 for an empty one."""
    lines = (value for line in chart.lines for value in line.values if value is not None)
    dots = (value for dots in chart.dots for _, value in dots.points if math.isfinite(value))
    rules = (y for rule in chart.rules for y in (rule.start[1], rule.end[1]))
    return max((*lines, *dots, *rules), default=0.0) or 1.0
