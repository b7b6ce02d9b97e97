"""The commands of `python -m loadtests`: verbs only - parse, call, print."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from loadtests import conduct, report, say
from loadtests import scenario as scenarios
from loadtests.conduct import console
from loadtests.medians import worst
from loadtests.server.cli import server
from loadtests.verdict import HARMED, MISSED, PASSED
from loadtests.via import VIAS

WITH_AND_WITHOUT = ("gateway", "direct")
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
Habit = Annotated[
    str | None,
    typer.Option(
        help="What desks do: presses-enter sends again every 5 s without a key, impatient with "
        "one, careful keeps a key and waits longer each time. [default: careful with the gateway, "
        "else presses-enter]"
    ),
]
Seed = Annotated[int, typer.Option(help="The same seed: the same citizens at the same times.")]
Out = Annotated[
    Path | None, typer.Option(help="A new folder for it. [default: runs/SCENARIO-VIA-TIME]")
]


@app.command("list")
def list_scenarios() -> None:
    """Show the scenarios, with what each is for."""
    console.print(say.catalogue(conduct.load(name) for name in scenarios.names()))
    console.print("\nNext: python -m loadtests show SCENARIO", soft_wrap=True)


@app.command()
def show(scenario: ScenarioName) -> None:
    """Show one scenario: its story, its figures, its targets."""
    console.print(say.scenario(conduct.load(scenario)))
    console.print(f"\nNext: python -m loadtests run {scenario}", soft_wrap=True)


@app.command()
def run(
    scenario: ScenarioName,
    *,
    via: Annotated[str, typer.Option(help=f"What is in between: {', '.join(VIAS)}.")] = "gateway",
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
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="So many Locust processes share the stations.")
    ] = 1,
    out: Out = None,
) -> None:
    """Start what is not given, send a scenario's enrollments, and judge what became of them.

    Ctrl-C stops everything that was started; the logs stay in the folder.
    """
    listen = server_listen or (UPSTREAM_OF_A_GIVEN_GATEWAY if gateway else "127.0.0.1:0")
    (plan,) = conduct.plans(scenario, [via], scale, time_scale, seed)
    if out is not None:
        plan = replace(plan, folder=out.absolute())
    plan = replace(plan, gateway=gateway, server_listen=listen, workers=workers)
    conduct.drive([plan], at_once=False)
    verdict = report.verify(plan.folder)
    console.print(f"\n{verdict.sentence}", soft_wrap=True)
    console.print(f"Report: {conduct.short(plan.folder / 'report.html')}", soft_wrap=True)
    console.print(
        f"Next:   python -m loadtests verify {conduct.short(plan.folder)}", soft_wrap=True
    )
    raise typer.Exit(verdict.exit_code)


@app.command()
def compare(
    scenario: ScenarioName,
    *,
    via: Annotated[
        str, typer.Option(help=f"What to compare, with commas: {', '.join(VIAS)}.")
    ] = ",".join(WITH_AND_WITHOUT),
    at_once: Annotated[
        bool, typer.Option("--at-once", help="All at the same time, not one after the other.")
    ] = False,
    scale: Scale = 1.0,
    time_scale: TimeScale = 1.0,
    seed: Seed = 1,
    seeds: Annotated[
        int, typer.Option(min=1, help="So many runs of each, from --seed on; medians are shown.")
    ] = 1,
    habit: Habit = None,
    out: Out = None,
) -> None:
    """Send the same citizens at the same times through each, and show the results side by side.

    The exit code is that of the worst.
    """
    rounds = [
        conduct.plans(scenario, via.split(","), scale, time_scale, seed + number, habit)
        for number in range(seeds)
    ]
    ways = conduct.compare(rounds, out, at_once=at_once)
    raise typer.Exit(max(worst(verdicts).exit_code for verdicts in ways))


@app.command()
def demo(seed: Seed = 1, out: Out = None) -> None:
    """Watch one outage twice: with the gateway, and as it was in 2017 without it.

    Exit 0: all was recorded exactly once through the gateway, and the run without it lost or
    doubled enrollments, as it must.
    """
    plans = conduct.plans("demo", WITH_AND_WITHOUT, 1.0, 1.0, seed)
    (through,), (without,) = conduct.compare([plans], out, at_once=True)
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
    console.print(f"Report: {conduct.short(folder / 'report.html')}", soft_wrap=True)
    raise typer.Exit(verdict.exit_code)


def main() -> None:
    """Run the command line."""
    sys.exit(app())
