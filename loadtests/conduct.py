"""Carries out what a command asks for: plans the runs, drives them on a board, judges them.

Prints; ends the program with a reason where a run cannot be made.
"""

import asyncio
import signal
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from loadtests import report, say
from loadtests import scenario as scenarios
from loadtests.progress import board
from loadtests.run import Plan, drive_all
from loadtests.stations import HABITS
from loadtests.verdict import INVALID, Verdict
from loadtests.via import VIAS

INTERRUPTED = 130

console = Console(highlight=False)


def load(name: str) -> scenarios.Scenario:
    """A scenario by name or file."""
    try:
        return scenarios.load(name)
    except scenarios.ScenarioError as wrong:
        console.print(f"{wrong}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(INVALID) from wrong


def plans(
    name: str,
    ways: Sequence[str],
    scale: float,
    time_scale: float,
    seed: int,
    habit: str | None = None,
) -> list[Plan]:
    """One run for each way, with the same citizens."""
    if habit not in {None, *HABITS}:
        raise typer.BadParameter(f"no habit {habit}: choose of {', '.join(HABITS)}")
    if unknown := set(ways) - set(VIAS):
        raise typer.BadParameter(f"no way {', '.join(unknown)}: choose of {', '.join(VIAS)}")
    scenario = load(name)
    now = time.strftime("%Y%m%d-%H%M%S")
    return [
        Plan(
            scenario=name,
            scaled=scenario.scaled(scale, time_scale),
            scale=scale,
            time_scale=time_scale,
            seed=seed,
            via=way,
            habit=habit,
            folder=Path("runs").absolute() / f"{scenario.name}-{way}-{now}",
        )
        for way in ways
    ]


def compare(
    rounds: Sequence[Sequence[Plan]], out: Path | None, *, at_once: bool
) -> Sequence[Sequence[Verdict]]:
    """Make all runs of each round, a round for a seed; the verdicts are by way, then seed."""
    first = rounds[0][0]
    when = first.folder.name.removeprefix(f"{first.scaled.name}-{first.via}-")
    whole = out or Path("runs") / f"{first.scaled.name}-{when}"
    folders: list[Path] = []
    for plans in rounds:
        of_seed = whole / f"seed-{plans[0].seed}" if len(rounds) > 1 else whole
        placed = [replace(plan, folder=of_seed.absolute() / plan.via) for plan in plans]
        drive(placed, at_once=at_once)
        for plan in placed:
            report.verify(plan.folder)
        folders += [plan.folder for plan in placed]
    page = whole / "comparison.html"
    ways = report.compare(folders, page)
    console.print(say.side_by_side(ways))
    console.print(f"Side by side: {short(page)}", soft_wrap=True)
    for folder in folders:
        console.print(f"Report: {short(folder / 'report.html')}", soft_wrap=True)
    return ways


def drive(plans: Sequence[Plan], *, at_once: bool) -> None:
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


def short(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
