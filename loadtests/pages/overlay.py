"""Many ways in one picture: a line for each over the same time. Pure.

For more runs than columns fit beside each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from loadtests.pages.chart import Chart, Line
from loadtests.pages.pictures import Pictures

COLOURS = 7
"""`report.css` has so many hues for ways."""


def overlay(drawn: Mapping[str, Pictures]) -> tuple[Chart, ...]:
    """The backlog, and what the server recorded, of each way by its name."""
    longest = max((pictures.flow for pictures in drawn.values()), key=lambda flow: flow.seconds)
    flows = {name: pictures.flow for name, pictures in drawn.items()}
    backlogs = {name: pictures.backlog for name, pictures in drawn.items()}
    return (
        _overlaid("Citizens who came and are not recorded yet", longest, backlogs, "backlog"),
        _overlaid("Recorded by the server", longest, flows, "recorded"),
    )


def _overlaid(title: str, frame: Chart, charts: Mapping[str, Chart], css: str) -> Chart:
    found = {
        name: next(line for line in chart.lines if line.css == css)
        for name, chart in charts.items()
    }
    unit = next(iter(charts.values())).unit
    return Chart(
        title,
        unit,
        frame.seconds,
        frame.at,
        lines=tuple(
            replace(
                line,
                label=name,
                css=f"way-{number % COLOURS}",
                style="line",
                values=_on(frame.at, charts[name].at, line),
            )
            for number, (name, line) in enumerate(found.items())
        ),
    )


def _on(at: Sequence[float], own: Sequence[float], line: Line) -> tuple[float | None, ...]:
    """The line's values at the frame's times: the last one known, and a gap after its end."""
    values: list[float | None] = []
    index = 0
    for moment in at:
        while index + 1 < len(own) and own[index + 1] <= moment:
            index += 1
        values.append(line.values[index] if own and moment <= own[-1] else None)
    return tuple(values)
