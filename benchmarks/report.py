"""Figures as text for a terminal, as JSON for machines, and as a page with pictures."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.plot import svg
from benchmarks.results import Figure, Row
from benchmarks.statistics import Spread

_ABOUT = """\
# What it costs

Written by `make bench` and `make bench-peers`; do not edit. Each side of a row runs in turn with
the other in the same run, each server on the same one core, the load and the recording server on
the other. A ratio is ours divided by the other's, the median of the rounds, with the least and the
greatest behind it. *By processor time* compares the seconds of processor that an answer costs, in
user and in kernel: what other programs on the machine take away does not count in it. Where both
were measured, a goal is met only if both meet it. Absolute figures hold for this machine and hour
only.
"""


def text(figure: Figure) -> str:
    """A few lines: each row with its goal beside it."""
    return "\n".join((f"{figure.number}. {figure.title}", *map(_line, figure.rows)))


def document(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Everything that was measured, for JSON."""
    return [
        {
            **dataclasses.asdict(figure),
            "rows": [{**dataclasses.asdict(row), "met": row.met} for row in figure.rows],
        }
        for figure in figures
    ]


def page(figures: Sequence[Figure], machines: Mapping[int, Mapping[str, str]], plots: Path) -> str:
    """The page, in Markdown; its pictures go into ``plots``, a folder beside it."""
    parts = [_ABOUT]
    plots.mkdir(parents=True, exist_ok=True)
    for figure in figures:
        parts.append(f"## {figure.number}. {figure.title}\n")
        picture = svg(figure)
        if picture is not None:
            file = plots / f"figure-{figure.number}.svg"
            file.write_text(picture, "utf-8")
            parts.append(f"![{figure.title}]({plots.name}/{file.name})\n")
        parts.append(_table(figure))
        if figure.note:
            parts.append(f"{figure.note}\n")
        machine = "; ".join(machines[figure.number].values())
        parts.append(f"*{machine}.*\n")
    return "\n".join(parts)


def _table(figure: Figure) -> str:
    lines = [
        "| | ours | against | ratio | by processor time | goal | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in figure.rows:
        cells = (
            row.name,
            f"{amount(row.ours.median)} {row.unit}",
            "" if row.bare is None else f"{amount(row.bare.median)} {row.unit}",
            "" if row.ratio is None else spread_text(row.ratio),
            _by_cpu(row),
            _goal(row),
            {True: "met", False: "**not met**", None: ""}[row.met],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _by_cpu(row: Row) -> str:
    if row.by_cpu is None or row.cpu is None:
        return ""
    ours, bare = row.cpu
    return f"{spread_text(row.by_cpu)}: {amount(ours.median)} / {amount(bare.median)} µs"


def _goal(row: Row) -> str:
    return "" if row.goal is None else f"{'≥' if row.at_least else '≤'} {row.goal:g}"


def _line(row: Row) -> str:
    parts = [f"  {row.name:<22} {amount(row.ours.median)} {row.unit}"]
    if row.bare is not None:
        parts.append(f"against {amount(row.bare.median)}")
    if row.ratio is not None:
        parts.append(f"ratio {spread_text(row.ratio)}")
    if row.by_cpu is not None:
        parts.append(f"by processor time {_by_cpu(row)}")
    if row.goal is not None:
        parts.append(f"goal {_goal(row)} {'met' if row.met else 'NOT MET'}")
    return ", ".join(parts)


def amount(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread_text(found: Spread) -> str:
    """A median, and what it lies between."""
    return f"{found.median:.2f} ({found.least:.2f}-{found.greatest:.2f})"


def merged(path: Path, figures: Sequence[Figure], machine: Mapping[str, str]) -> dict[str, Any]:
    """What the JSON file holds, with these figures new in it; others stay as they were."""
    known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for one in document(figures):
        known[str(one["number"])] = {"machine": dict(machine), **one}
    return {number: known[number] for number in sorted(known, key=int)}


def read(document: Mapping[str, Any]) -> tuple[list[Figure], dict[int, Mapping[str, str]]]:
    """The figures of a JSON file again, and the machine of each."""
    figures, machines = [], {}
    for one in document.values():
        rows = tuple(_row(row) for row in one["rows"])
        figures.append(Figure(one["number"], one["title"], rows, one["note"]))
        machines[one["number"]] = one["machine"]
    return figures, machines


def _row(row: Mapping[str, Any]) -> Row:
    fields = {name: value for name, value in row.items() if name != "met"}
    for name in ("ours", "bare", "ratio", "by_cpu"):
        if fields[name] is not None:
            fields[name] = Spread(**fields[name])
    if fields["cpu"] is not None:
        ours, bare = fields["cpu"]
        fields["cpu"] = (Spread(**ours), Spread(**bare))
    return Row(**fields)
