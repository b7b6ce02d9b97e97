"""Draws a page's panels from what Prometheus answered: a preview, as Grafana itself is not here."""

import math
from html import escape
from pathlib import Path
from typing import Any, Final

from tests.grafana.live.asking import Answer, Points, Series
from tests.grafana.live.figures import HUES, PALETTE, colour, mapped, number
from tests.grafana.pages import PAGES
from tests.grafana.tools import need, run

COLUMN: Final = 60
ROW: Final = 34
GAP: Final = 8
WIDTH: Final = 24 * COLUMN
HEAD: Final = 56
_MARKS: Final = {"annotation Outages": HUES["red"], "annotation Recoveries": HUES["green"]}
_STYLE: Final = """
body{margin:0;background:#111217;color:#ccccdc;font:13px system-ui,sans-serif}
h1{font-size:19px;margin:0;padding:14px 12px 0}h1 small{color:#ff9830;font-size:13px}
.p,.r{position:absolute;overflow:hidden;box-sizing:border-box}
.p{background:#181b1f;border:1px solid #2c3235;border-radius:3px}.r{font-weight:600;padding:9px 4px}
.t{padding:6px 9px;font-weight:500;white-space:nowrap}
.l{padding:0 9px;font-size:11px;line-height:15px}
.s{display:flex;gap:4px;position:absolute;inset:32px 6px 6px}
.s div{flex:1;border-radius:3px;color:#111217;text-align:center;overflow:hidden}
.s b{display:block;font-size:25px;padding-top:10px}.s div.only b{padding-top:20px}
i{display:inline-block;width:11px;height:3px;margin:0 4px 3px 0}
"""


def draw(name: str, answers: list[Answer], span: tuple[float, float]) -> str:
    """The page as HTML; ``answers`` are those of this page."""
    page = PAGES[name]
    by_title = {answer.what: answer for answer in answers}
    marks = [
        (moment, hue)
        for what, hue in _MARKS.items()
        for series in by_title[what].series
        for moment, _ in series.points
    ]
    boxes = [_box(panel, by_title.get(panel["title"]), span, marks) for panel in page["panels"]]
    return (
        f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style>'
        f"<h1>{escape(page['title'])} <small>preview: drawn from this page's own queries, not by "
        f'Grafana</small></h1><div style="position:relative;height:{height(name) - HEAD}px">'
        + "".join(boxes)
        + "</div>"
    )


def height(name: str) -> int:
    """Of the page, in pixels."""
    places = [panel["gridPos"] for panel in PAGES[name]["panels"]]
    return HEAD + ROW * max(int(place["y"]) + int(place["h"]) for place in places)


def photograph(page: str, png: Path, tall: int) -> None:
    """Let Chromium draw it."""
    html = png.with_suffix(".html")
    html.write_text(page, encoding="utf-8")
    run(
        need("chromium", "chromium"),
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *(f"--window-size={WIDTH},{tall}", f"--screenshot={png}", html.as_uri()),
    )
    html.unlink()


def _box(
    panel: dict[str, Any],
    answer: Answer | None,
    span: tuple[float, float],
    marks: list[tuple[float, str]],
) -> str:
    place = panel["gridPos"]
    wide, tall = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
    kind = "r" if panel["type"] == "row" else "p"
    title = f'<div class="t">{escape(panel["title"])}</div>'
    if answer is None:
        content = escape(panel["title"])
    elif panel["type"] == "stat":
        content = title + _stat(panel, answer)
    elif panel["type"] == "state-timeline":
        content = title + _states(panel, answer, wide, tall - 34, span)
    else:
        content = title + _lines(panel, answer, wide, tall - 34, span, marks)
    left, top = place["x"] * COLUMN + GAP // 2, place["y"] * ROW
    where = f"left:{left}px;top:{top}px;width:{wide}px;height:{tall}px"
    return f'<div class="{kind}" style="{where}">{content}</div>'


def _stat(panel: dict[str, Any], answer: Answer) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    parts = []
    for series in answer.series:
        value = series.points[-1][1]
        word = mapped(value, defaults["mappings"])
        text = word["text"] if word else number(value, defaults["unit"])
        hue = HUES[word["color"]] if word else colour(value, defaults["thresholds"]["steps"])
        only = " class=only" if len(answer.series) == 1 else ""
        name = "" if only else escape(series.name)
        parts.append(f'<div{only} style="background:{hue}"><b>{escape(text)}</b>{name}</div>')
    return f'<div class="s">{"".join(parts)}</div>'


def _states(
    panel: dict[str, Any], answer: Answer, wide: int, tall: int, span: tuple[float, float]
) -> str:
    mappings = panel["fieldConfig"]["defaults"]["mappings"]
    lane = (tall - 24) / max(1, len(answer.series))
    parts = []
    for row, series in enumerate(answer.series):
        for begin, end, value in _stretches(series.points):
            word = mapped(value, mappings) or {"text": f"{value:g}", "color": "text"}
            left, right = (_across(at, span, wide) for at in (begin, end))
            top = row * lane + 2
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(1, right - left):.1f}" '
                f'height="{lane - 4:.1f}" fill="{HUES[word["color"]]}"/>'
            )
            if right - left > 8 * len(word["text"]):
                parts.append(
                    f'<text x="{left + 4:.1f}" y="{top + lane / 2 + 3:.1f}" fill="#111217" '
                    f'font-size="12">{escape(word["text"])}</text>'
                )
    return _svg(wide, tall - 22, parts) + _legend(answer.series, {}, "none", last=False)


def _stretches(points: Points) -> list[tuple[float, float, float]]:
    found: list[tuple[float, float, float]] = []
    for at, value in points:
        if found and found[-1][2] == value:
            found[-1] = (found[-1][0], at, value)
        else:
            if found:
                found[-1] = (found[-1][0], at, found[-1][2])
            found.append((at, at, value))
    return found


def _lines(
    panel: dict[str, Any],
    answer: Answer,
    wide: int,
    tall: int,
    span: tuple[float, float],
    marks: list[tuple[float, str]],
) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    fixed = {
        override["matcher"]["options"]: HUES[override["properties"][0]["value"]["fixedColor"]]
        for override in panel["fieldConfig"]["overrides"]
    }
    drawn = _stack(answer.series) if stacked else answer.series
    values = [value for series in drawn for _, value in series.points if math.isfinite(value)]
    top: float = 1.05 * (max(defaults.get("max", 0), *values) or 1.0)
    bottom: float = min(defaults.get("min", 0), *values)
    plot = max(30, tall - 15 * len(answer.series) - 14)

    def down(value: float) -> float:
        return plot - 2 - (value - bottom) / (top - bottom) * (plot - 6)

    parts = [
        f'<line x1="{_across(at, span, wide):.1f}" x2="{_across(at, span, wide):.1f}" y1="0" '
        f'y2="{plot}" stroke="{hue}" stroke-dasharray="3 3"/>'
        for at, hue in marks
    ]
    if defaults["custom"]["thresholdsStyle"]["mode"] == "dashed":
        parts += [
            f'<path d="M0 {down(step["value"]):.1f}H{wide}" stroke="{HUES[step["color"]]}" '
            'stroke-dasharray="8 5" opacity=".6"/>'
            for step in defaults["thresholds"]["steps"]
            if step["value"] is not None and bottom <= step["value"] <= top
        ]
    hues = {
        series.name: fixed.get(series.name, PALETTE[place % len(PALETTE)])
        for place, series in enumerate(answer.series)
    }
    for series in reversed(drawn):
        path = "".join(
            f"{'M' if fresh else 'L'}{_across(at, span, wide):.1f} {down(value):.1f}"
            for at, value, fresh in _pieces(series.points)
        )
        hue = hues[series.name]
        parts.append(f'<path d="{path}" fill="none" stroke="{hue}" stroke-width="1.5"/>')
    for value in (top / 1.05, bottom):
        label = escape(number(value, defaults["unit"]))
        parts.append(
            f'<text x="3" y="{min(plot - 3, down(value) + 9):.1f}" fill="#8e8e8e" font-size="10">'
            f"{label}</text>"
        )
    return _svg(wide, plot, parts) + _legend(answer.series, hues, defaults["unit"], last=True)


def _pieces(points: Points) -> list[tuple[float, float, bool]]:
    """Each point with whether a new line begins there: a gap is not bridged."""
    found: list[tuple[float, float, bool]] = []
    before = -math.inf
    for at, value in points:
        if math.isfinite(value):
            found.append((at, value, at - before > 12))
            before = at
    return found


def _stack(series: list[Series]) -> list[Series]:
    below: dict[float, float] = {}
    stacked = []
    for one in series:
        for at, value in one.points:
            below[at] = below.get(at, 0.0) + (0.0 if math.isnan(value) else value)
        stacked.append(Series(one.name, [(at, below[at]) for at, _ in one.points]))
    return stacked


def _legend(series: list[Series], hues: dict[str, str], unit: str, *, last: bool) -> str:
    rows = []
    for one in series:
        numbers = [value for _, value in one.points if math.isfinite(value)]
        told = ""
        if last and numbers:
            told = f" &nbsp; last {number(numbers[-1], unit)}, max {number(max(numbers), unit)}"
        swatch = f'<i style="background:{hues[one.name]}"></i>' if one.name in hues else ""
        rows.append(f'<div class="l">{swatch}{escape(one.name)}{told}</div>')
    return "".join(rows)


def _svg(wide: int, tall: float, parts: list[str]) -> str:
    return f'<svg width="{wide}" height="{tall:.0f}" style="display:block">{"".join(parts)}</svg>'


def _across(at: float, span: tuple[float, float], wide: int) -> float:
    began, ended = span
    return (at - began) / (ended - began) * wide
