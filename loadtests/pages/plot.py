"""Plots as SVG text: axes, lines, areas, dots, shaded times. Pure.

Knows nothing of runs or verdicts. Colours are CSS classes, so that one picture fits light and
dark; `report.js` reads the `data-plot` attribute to show values under the pointer.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from loadtests.pages.chart import Chart, Dots, Line, Rule, Span, highest

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 960, 76, 16, 12, 40
STRIP = 20
"""Height of one state strip below a plot."""

TIME_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
LOG_TICKS = {
    0.001: "1 ms",
    0.01: "10 ms",
    0.1: "100 ms",
    1: "1 s",
    10: "10 s",
    60: "1 min",
    600: "10 min",
    3600: "1 h",
    36000: "10 h",
}


@dataclass(frozen=True, slots=True)
class _Scale:
    seconds: float
    low: float
    high: float
    height: int
    log: bool

    def x(self, at: float) -> float:
        share = min(1.0, max(0.0, at / self.seconds))
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        if self.log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = value / self.high
        return TOP + (1 - min(1.0, max(0.0, share))) * (self.height - TOP - BOTTOM)

    @property
    def floor(self) -> float:
        return self.height - BOTTOM


def draw(chart: Chart) -> str:
    """The whole figure as HTML: title, legend, SVG."""
    scale = _scale(chart)
    parts = [
        *(_shade(span, scale) for span in chart.shaded),
        *_y_axis(chart, scale),
        *_x_axis(scale),
        *(_line(line, chart.at, scale) for line in chart.lines),
        *(_dots(dots, scale) for dots in chart.dots),
        *(_rule(rule, scale) for rule in chart.rules),
        *(_strip(*strip, row, scale) for row, strip in enumerate(chart.strips)),
        f'<line class="cursor" y1="{TOP}" y2="{scale.floor}"/>',
    ]
    height = chart.height + STRIP * len(chart.strips)
    return (
        f'<figure class="plot" data-plot="{escape(_data(chart))}">'
        f"<figcaption><h3>{escape(chart.title)}</h3>{_legend(chart)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(chart.title)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _scale(chart: Chart) -> _Scale:
    top = chart.top or highest(chart)
    seconds = chart.seconds or 1.0
    if chart.log:
        high = next((tick for tick in LOG_TICKS if tick >= top), max(LOG_TICKS))
        return _Scale(seconds, min(LOG_TICKS), max(high, 1), chart.height, log=True)
    return _Scale(seconds, 0.0, top * 1.08, chart.height, log=False)


def _data(chart: Chart) -> str:
    """What the page's script needs to show values: positions and the lines' values."""
    return json.dumps(
        {
            "left": LEFT,
            "right": WIDTH - RIGHT,
            "width": WIDTH,
            "seconds": chart.seconds,
            "log": chart.log,
            "at": [round(at, 2) for at in chart.at],
            "lines": [
                [None if value is None else round(value, 3) for value in line.values]
                for line in chart.lines
            ],
        },
        separators=(",", ":"),
    )


def _legend(chart: Chart) -> str:
    entries = [
        f'<span class="{line.css} {line.style}"><i></i>{escape(line.label)}'
        " <output></output></span>"
        for line in chart.lines
    ]
    entries += [
        f'<span class="{dots.css} dot"><i></i>{escape(dots.label)}</span>' for dots in chart.dots
    ]
    entries += [
        f'<span class="{rule.css} dashed"><i></i>{escape(rule.label)}</span>'
        for rule in chart.rules
    ]
    shaded = {(span.css, span.label) for span in chart.shaded}
    entries += [
        f'<span class="{css} box"><i></i>{escape(label)}</span>' for css, label in sorted(shaded)
    ]
    return f'<p class="legend">{"".join(entries)}<output class="time"></output></p>'


def _shade(span: Span, scale: _Scale) -> str:
    x, end = scale.x(span.start), scale.x(span.end)
    return (
        f'<rect class="shade {span.css}" x="{x:.1f}" y="{TOP}" width="{max(1, end - x):.1f}"'
        f' height="{scale.floor - TOP}"><title>{escape(span.label)}</title></rect>'
    )


def _y_axis(chart: Chart, scale: _Scale) -> list[str]:
    if scale.log:
        ticks = {value: text for value, text in LOG_TICKS.items() if value <= scale.high}
    else:
        ticks = {value: f"{value:,g}" for value in linear_ticks(scale.high)}
    lines = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        for value, text in ticks.items()
        for y in [scale.y(value)]
    ]
    middle = (TOP + scale.floor) / 2
    label = (
        f'<text class="unit" transform="translate(12 {middle:.0f}) rotate(-90)"'
        f' text-anchor="middle">{escape(chart.unit)}</text>'
    )
    return [*lines, label]


def _x_axis(scale: _Scale) -> list[str]:
    step = next((tick for tick in TIME_TICKS if scale.seconds / tick <= 10), TIME_TICKS[-1])
    count = int(scale.seconds / step)
    return [
        f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{scale.floor}" y2="{scale.floor + 5}"/>'
        f'<text x="{x:.1f}" y="{scale.floor + 18}" text-anchor="middle">'
        f"{clock(number * step, step)}</text>"
        for number in range(count + 1)
        for x in [scale.x(number * step)]
    ]


def linear_ticks(high: float) -> list[float]:
    """About five round values from 0 up to `high`."""
    rough = high / 5
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough)
    return [round(step * number, 10) for number in range(int(high / step) + 1)]


def clock(seconds: float, step: float) -> str:
    """A tick's time: `30 s` below a minute, `5 min`, `1:30` between, `2 h` for long runs."""
    if step >= 3600:
        return f"{seconds / 3600:.0f} h"
    if step >= 60:
        return f"{seconds / 60:.0f} min"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def _line(line: Line, at: Sequence[float], scale: _Scale) -> str:
    runs: list[list[str]] = [[]]
    for x, value in zip(at, line.values, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{scale.x(x):.1f},{scale.y(value):.1f}")
    drawn = [run for run in runs if run]
    path = "".join(f"M{'L'.join(run)}" for run in drawn)
    svg = f'<path class="{line.css} {line.style}" d="{path}"/>'
    if line.style == "area":
        closed = "".join(
            f"M{run[0].split(',')[0]},{scale.floor}L{'L'.join(run)}"
            f"L{run[-1].split(',')[0]},{scale.floor}Z"
            for run in drawn
        )
        svg = f'<path class="{line.css} fill" d="{closed}"/>{svg}'
    return svg


def _dots(dots: Dots, scale: _Scale) -> str:
    """All points in one path: a zero-length stroke with round ends is a dot."""
    path = "".join(f"M{scale.x(x):.1f},{scale.y(y):.1f}h0" for x, y in dots.points)
    return f'<path class="{dots.css} dot" d="{path}"/>'


def _rule(rule: Rule, scale: _Scale) -> str:
    """Nothing for a rule beyond the scale: the legend still names it."""
    (x1, y1), (x2, y2) = rule.start, rule.end
    if min(y1, y2) > scale.high:
        return ""
    return (
        f'<line class="{rule.css} dashed" x1="{scale.x(x1):.1f}" y1="{scale.y(y1):.1f}"'
        f' x2="{scale.x(x2):.1f}" y2="{scale.y(y2):.1f}"/>'
    )


def _strip(name: str, spans: Sequence[Span], row: int, scale: _Scale) -> str:
    top = scale.height - 12 + STRIP * row
    rects = "".join(
        f'<rect class="state {span.css}" x="{scale.x(span.start):.1f}" y="{top}"'
        f' width="{max(1.0, scale.x(span.end) - scale.x(span.start)):.1f}" height="{STRIP - 4}">'
        f"<title>{escape(f'{name} {span.label}')}</title></rect>{_strip_label(span, top, scale)}"
        for span in spans
    )
    return f'<text x="{LEFT - 8}" y="{top + 12}" text-anchor="end">{escape(name)}</text>{rects}'


def _strip_label(span: Span, top: float, scale: _Scale) -> str:
    start, end = scale.x(span.start), scale.x(span.end)
    if end - start < 7 * len(span.label) + 6:
        return ""
    return (
        f'<text class="state" x="{(start + end) / 2:.1f}" y="{top + 12}" text-anchor="middle">'
        f"{escape(span.label)}</text>"
    )
