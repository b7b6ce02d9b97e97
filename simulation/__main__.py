"""Simulations: window controllers compared, and whole histories drawn from seeds."""

import os
import time
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from simulation.experiment import GATEWAY, Case, cases, run_all, simulate
from simulation.page import page
from simulation.servers import FIRST_SEED, SERVERS
from simulation.whole.play import broken_by, play_seed

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def table(
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each row.")] = 20,
    first: Annotated[int, typer.Option(help="Seed of the first run.")] = FIRST_SEED,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("docs/recovery.md"),
) -> None:
    """Run everything on all cores (with 20 seeds half an hour on two) and write the page."""
    todo = cases(range(first, first + seeds))
    runs = track(run_all(todo), total=len(todo), description=f"{len(todo)} runs")
    figures = list(runs)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(figures, seeds=range(first, first + seeds)), encoding="utf-8")
    typer.echo(f"{out} holds the figures of {len(figures)} runs.")


@app.command()
def show(
    server: Annotated[str, typer.Argument(help="A server by its name in the page.")],
    seed: Annotated[int, typer.Option(help="Which run.")] = 0,
    change: Annotated[str, typer.Option(help="A change by its name in the page.")] = "",
    *,
    remembered: Annotated[bool, typer.Option(help="The window is known from before.")] = False,
) -> None:
    """Repeat one run of the gateway: second, window, share of the workers that worked."""
    if server not in SERVERS:
        raise typer.BadParameter(f"no such server; take one of: {'; '.join(SERVERS)}")
    run = simulate(Case(GATEWAY, server, remembered, change, seed))
    for second, (window, busy) in enumerate(zip(run.window, run.busy, strict=True)):
        typer.echo(f"{second:4d} s  window {window:3d}  busy {busy:4.0%}")
    typer.echo(f"The server fell over {len(run.tips)} times after its return.")


@app.command()
def seeds(
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 1000,
    start: Annotated[int, typer.Option(help="The first one.")] = 0,
) -> None:
    """Play whole histories on all cores; name every seed that breaks an invariant."""
    began, failed = time.monotonic(), 0
    todo = range(start, start + count)
    for seed, broken in track(_play_all(todo), total=count, description=f"{count} seeds"):
        if broken:
            failed += 1
            typer.echo(f"seed {seed}: {broken[0]}")
    seconds = time.monotonic() - began
    typer.echo(f"{count} seeds in {seconds:.0f} s: {failed} broke an invariant.")
    if failed:
        typer.echo("See what happened with: make simulate SEED=<seed>")
        raise typer.Exit(1)


def _play_all(todo: range) -> Iterator[tuple[int, tuple[str, ...]]]:
    with Pool(os.cpu_count()) as pool:
        yield from pool.imap_unordered(broken_by, todo, chunksize=20)


@app.command()
def replay(seed: Annotated[int, typer.Argument(help="Which history.")]) -> None:
    """Play one history again and print it: seconds, who, what."""
    played = play_seed(seed)
    for line in played.history.lines():
        typer.echo(line)
    for what in played.broken:
        typer.echo(f"seed {seed} breaks an invariant: {what}")
    if played.broken:
        raise typer.Exit(1)
    typer.echo(f"seed {seed} is good: {len(played.history)} moments in {played.seconds:.0f} s.")


if __name__ == "__main__":
    app()
