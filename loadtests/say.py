"""Scenarios and verdicts as text and tables for a terminal. Pure.

Knows no command, no file and no process.
"""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.medians import spread, worst
from loadtests.scenario import Scenario
from loadtests.server.faults import Fault
from loadtests.targets import HARM, parse, say
from loadtests.verdict import Verdict

SHOWN = (
    "arrivals",
    "recorded",
    *HARM,
    "answered_in_time",
    "promise_p95",
    "outage_seconds",
    "collapses",
    "drain_seconds",
    "drain_ratio",
)
"""The measures that tell two runs apart at a glance."""


def catalogue(scenarios: Iterable[Scenario]) -> Table:
    """All scenarios, one in a line."""
    table = Table("scenario", "what it is for", "arrivals", "lasts", box=None, pad_edge=False)
    for scenario in scenarios:
        profile = scenario.arrivals.profile()
        lasts = f"{profile.seconds / 60:.0f} min"
        table.add_row(scenario.name, scenario.title, f"{profile.expected:,.0f}", lasts)
    return table


def scenario(shown: Scenario) -> RenderableType:
    """One scenario with its story, figures and targets."""
    profile, server = shown.arrivals.profile(), shown.server
    capacity = server.workers / server.service_seconds
    cliff = "never collapses" if server.collapse_at is None else f"falls over {server.collapse_at}"
    figures = _pairs(
        ("arrivals", f"{profile.expected:,.0f} in {profile.seconds:,.0f} s"),
        ("rate", f"{profile.per_second:.3g} a second on average, {profile.peak:.3g} at most"),
        ("server", f"takes {capacity:.3g} a second, {cliff} outstanding"),
        ("faults", "; ".join(map(_fault, shown.faults)) or "none"),
        ("packets", f"median {shown.packets.sizes().at(0.5):,} bytes"),
        ("over", f"at the latest {profile.seconds + shown.limit_seconds:,.0f} s after the start"),
    )
    targets = _pairs(*((target.measure, str(target)) for target in parse(shown.targets)))
    prose = Text(f"\n{' '.join(shown.prose.split())}\n")
    return Group(
        Text(shown.title, style="bold"), prose, figures, Text("\nTargets", style="bold"), targets
    )


def side_by_side(ways: Sequence[Sequence[Verdict]]) -> RenderableType:
    """What became of the same citizens on different ways: each way's verdicts, one for a seed."""
    table = Table("", *(f"via {verdicts[0].via}" for verdicts in ways), title="Side by side")
    table.title_justify = "left"
    for measure in SHOWN:
        middles = (spread(verdicts, measure).middle for verdicts in ways)
        table.add_row(measure.replace("_", " "), *map(say, middles))
    table.add_row("verdict", *(_word(worst(verdicts)) for verdicts in ways))
    sentences = (Text(f"via {bad.via}: {bad.sentence}") for bad in map(worst, ways))
    return Group(table, *sentences)


def _word(verdict: Verdict) -> Text:
    words = ("passed", "missed a target", "invalid", "FAILED")
    style = "green" if verdict.exit_code == 0 else "bold red"
    return Text(f"{words[verdict.exit_code]} (exit {verdict.exit_code})", style=style)


def _pairs(*pairs: tuple[str, str]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in pairs:
        table.add_row(name, value)
    return table


def _fault(fault: Fault) -> str:
    told = fault.model_dump(exclude_none=True)
    return " ".join([told.pop("kind"), *(f"{name}={value}" for name, value in told.items())])
