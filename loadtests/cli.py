"""The commands of `python -m loadtests`: verbs only - parse, call, print."""

import asyncio
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from loadtests import report, say
from loadtests import scenario as scenarios
from loadtests.progress import board
from loadtests.run import Plan, drive_all
from loadtests.server.cli import server
from loadtests.verdict import HARMED, INVALID, MISSED, PASSED, Verdict
from loadtests.via import VIAS

INTERRUPTED = 130
UPSTREAM_OF_A_GIVEN_GATEWAY = "127.0.0.1:8000"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="""Load the way to the recording server as a county does, and judge what became of it.

    Start with `demo`: the same citizens with the gateway and without it, side by side, in about
    90 seconds. Then `list` and `show` tell what else there is, `run` does one of them, and
    `verify` judges a finished run again from its two logs.

    Exit codes: 0 passed, 1 a target missed, 2 the run proves nothing, 3 an enrollment was lost,
    doubled, invented or altered.""",
)
app.command()(server)
console = Console(highlight=False)

ScenarioName = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO", help="A name that `list` shows, or the path of a TOML file of your own."
    ),
]
Scale = Annotated[float, typer.Option(min=0.001, help="So many times the arrivals per second.")]
TimeScale = Annotated[
    float, typer.Option(min=0.01, help="0.1: the run and its outages last a tenth as long.")
]
Seed = Annotated[int, typer.Option(help="The same seed: the same citizens at the same times.")]
Out = Annotated[
    Path | None, typer.Option(help="A new folder for it. [default: runs/SCENARIO-VIA-TIME]")
]


@app.command("list")
def list_scenarios() -> None:
    """Show the scenarios, with what each is for."""
    console.print(say.catalogue(_load(name) for name in scenarios.names()))
    console.print("\nNext: python -m loadtests show SCENARIO", soft_wrap=True)


@app.command()
def show(scenario: ScenarioName) -> None:
    """Show one scenario: its story, its figures, its targets."""
    console.print(say.scenario(_load(scenario)))
    console.print(f"\nNext: python -m loadtests run {scenario}", soft_wrap=True)


@app.command()
def run(
    scenario: ScenarioName,
    *,
    via: Annotated[str, typer.Option(help=f"What is in between: {' or '.join(VIAS)}.")] = "gateway",
    gateway: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A gateway that runs already, instead of one started for this run. Its upstream "
            "must be the address of --server-listen.",
        ),
    ] = None,
    server_listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where the simulated server listens. [default: a free port; with --gateway "
            f"{UPSTREAM_OF_A_GIVEN_GATEWAY}]",
        ),
    ] = None,
    scale: Scale = 1.0,
    time_scale: TimeScale = 1.0,
    seed: Seed = 1,
    out: Out = None,
) -> None:
    """Start what is not given, send a scenario's enrollments, and judge what became of them.

    Ctrl-C stops everything that was started; the logs stay in the folder.
    """
    listen = server_listen or (UPSTREAM_OF_A_GIVEN_GATEWAY if gateway else "127.0.0.1:0")
    (plan,) = _plans(scenario, [via], scale, time_scale, seed)
    if out is not None:
        plan = replace(plan, folder=out.absolute())
    plan = replace(plan, gateway=gateway, server_listen=listen)
    _drive([plan], at_once=False)
    verdict = report.verify(plan.folder)
    console.print(f"\n{verdict.sentence}", soft_wrap=True)
    console.print(f"Report: {_short(plan.folder / 'report.html')}", soft_wrap=True)
    console.print(f"Next:   python -m loadtests verify {_short(plan.folder)}", soft_wrap=True)
    raise typer.Exit(verdict.exit_code)


@app.command()
def compare(
    scenario: ScenarioName,
    *,
    via: Annotated[str, typer.Option(help="What to compare, with commas.")] = ",".join(VIAS),
    at_once: Annotated[
        bool, typer.Option("--at-once", help="All at the same time, not one after the other.")
    ] = False,
    scale: Scale = 1.0,
    time_scale: TimeScale = 1.0,
    seed: Seed = 1,
    out: Out = None,
) -> None:
    """Send the same citizens at the same times through each, and show the results side by side.

    The exit code is that of the worst.
    """
    plans = _plans(scenario, via.split(","), scale, time_scale, seed)
    verdicts = _compare(plans, out, at_once=at_once)
    raise typer.Exit(max(verdict.exit_code for verdict in verdicts))


@app.command()
def demo(seed: Seed = 1, out: Out = None) -> None:
    """Watch one outage twice: with the gateway, and as it was in 2017 without it.

    Exit 0: all was recorded exactly once through the gateway, and the run without it lost or
    doubled enrollments, as it must.
    """
    through, without = _compare(_plans("demo", VIAS, 1.0, 1.0, seed), out, at_once=True)
    console.print("Next:    python -m loadtests list", soft_wrap=True)
    if through.exit_code == PASSED and without.exit_code != HARMED:
        console.print(
            "The run without the gateway harmed nothing: then this demo shows nothing.",
            soft_wrap=True,
        )
        raise typer.Exit(MISSED)
    raise typer.Exit(through.exit_code)


@app.command()
def verify(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The folder of a finished run.")
    ],
) -> None:
    """Judge a run again, from its two logs alone, and write its report again."""
    verdict = report.verify(folder)
    console.print(verdict.sentence, soft_wrap=True)
    console.print(f"Report: {_short(folder / 'report.html')}", soft_wrap=True)
    raise typer.Exit(verdict.exit_code)


def _load(name: str) -> scenarios.Scenario:
    try:
        return scenarios.load(name)
    except scenarios.ScenarioError as wrong:
        console.print(f"{wrong}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(INVALID) from wrong


def _plans(
    name: str, ways: Sequence[str], scale: float, time_scale: float, seed: int
) -> list[Plan]:
    if unknown := set(ways) - set(VIAS):
        raise typer.BadParameter(f"no way {', '.join(unknown)}: choose {' or '.join(VIAS)}")
    scenario = _load(name)
    now = time.strftime("%Y%m%d-%H%M%S")
    return [
        Plan(
            scenario=name,
            scaled=scenario.scaled(scale, time_scale),
            scale=scale,
            time_scale=time_scale,
            seed=seed,
            via=way,
            folder=Path("runs").absolute() / f"{scenario.name}-{way}-{now}",
        )
        for way in ways
    ]


def _compare(plans: Sequence[Plan], out: Path | None, *, at_once: bool) -> Sequence[Verdict]:
    first = plans[0].folder.name.removeprefix(f"{plans[0].scaled.name}-{plans[0].via}-")
    both = out or Path("runs") / f"{plans[0].scaled.name}-{first}"
    plans = [replace(plan, folder=both.absolute() / plan.via) for plan in plans]
    _drive(plans, at_once=at_once)
    for plan in plans:
        report.verify(plan.folder)
    page = both / "comparison.html"
    verdicts = report.compare([plan.folder for plan in plans], page)
    console.print(say.side_by_side(verdicts))
    console.print(f"Side by side: {_short(page)}", soft_wrap=True)
    for plan in plans:
        console.print(f"Report: {_short(plan.folder / 'report.html')}", soft_wrap=True)
    return verdicts


def _drive(plans: Sequence[Plan], *, at_once: bool) -> None:
    """Make the runs, or end the program with a reason."""
    title = f"{plans[0].scaled.title} (Ctrl-C stops it)"
    try:
        with board(console, title, [plan.via for plan in plans]) as shown:
            asyncio.run(_until_signal(drive_all(plans, shown, at_once=at_once)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("\nStopped. Everything that was started has ended.", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    except ExceptionGroup as group:
        for wrong in group.exceptions:
            console.print(str(wrong), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(INVALID) from group


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    """SIGTERM stops the parts as Ctrl-C does."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


def _short(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def main() -> None:
    """Run the command line."""
    sys.exit(app())
