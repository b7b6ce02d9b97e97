"""Simulations: controllers compared, whole histories from seeds, scenarios of the load tests."""

import os
import time
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from loadtests import report, say
from loadtests.evidence import gather
from loadtests.scenario import ScenarioError, load, of_data
from loadtests.verdict import HARMED, INVALID, examine
from simulation.experiment import GATEWAY, Case, cases, run_all, simulate
from simulation.page import page
from simulation.scenarios.agreement import WITHIN, Pair, told
from simulation.scenarios.agreement import page as compared
from simulation.scenarios.folder import write
from simulation.scenarios.play import play
from simulation.scenarios.terms import NotSimulated
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


@app.command()
def scenario(
    name: Annotated[str, typer.Argument(help="A scenario of the load tests, or a TOML file.")],
    *,
    seed: Annotated[int, typer.Option(help="The same citizens as in a real run of it.")] = 1,
    scale: Annotated[float, typer.Option(min=0.001, help="So many times the arrivals.")] = 1.0,
    time_scale: Annotated[float, typer.Option(min=0.01, help="0.1: a tenth as long.")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="A new folder for its logs and report.")] = None,
) -> None:
    """Play a scenario of the load tests under virtual time, and have it judged like a real run."""
    folder = out or Path("runs") / f"{Path(name).stem}-simulated-{time.strftime('%Y%m%d-%H%M%S')}"
    try:
        scaled = load(name).scaled(scale, time_scale)
        played = play(scaled, seed=seed, scale=scale)
        write(played, folder)
    except (ScenarioError, NotSimulated, FileExistsError) as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(INVALID) from wrong
    verdict = report.verify(folder)
    Console(highlight=False).print(say.side_by_side([[verdict]]))
    for broken in played.broken:
        typer.echo(f"what may never happen: {broken}")
    typer.echo(f"Report: {folder / 'report.html'}")
    raise typer.Exit(HARMED if played.broken else verdict.exit_code)


@app.command()
def agreement(
    folders: Annotated[
        list[Path], typer.Argument(exists=True, file_okay=False, help="Real runs via the gateway.")
    ],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("docs/agreement.md"),
) -> None:
    """Simulate what was run for real, and write both side by side; exit 1 if they disagree."""
    pairs: list[Pair] = []
    for folder in folders:
        real, _ = examine(folder)
        run = real.runs[0]
        simulated = of_data(run.scenario)
        played = play(simulated, seed=run.seed, scale=run.scale)
        virtual = gather(played.sent, played.ledger)
        pairs.append(Pair(simulated.arrivals.seconds, told(real), told(virtual)))
        typer.echo(f"{folder}: {', '.join(_apart(pairs[-1])) or 'they agree'}")
    out.write_text(compared(pairs, "make agreement"), encoding="utf-8")
    typer.echo(f"{out} holds the figures of {len(pairs)} runs.")
    if any(_apart(pair) for pair in pairs):
        raise typer.Exit(1)


def _apart(pair: Pair) -> list[str]:
    return [f"{figure} differs" for figure in WITHIN if not pair.agrees(figure)]


if __name__ == "__main__":
    app()
