"""What is run for the table, and the figures read from each run.

Every run has its own seed, made of its name, so that any one of them can be repeated alone.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import Pool
from random import Random
from typing import Final

from simulation.controllers import BASELINES, Controller, Gateway
from simulation.drive import OUTAGE, Drive, Run
from simulation.servers import CHANGES, SECONDS, SERVERS

GATEWAY: Final = "this gateway"
_REACHED: Final = 0.95
_SPAN: Final = 5  # seconds over which a share of capacity must hold to be reached
_FITS: Final = 1.5  # windows up to so many times the workers fit: a cliff may be there
_FROM: Final = 60  # seconds after the return from which goodput counts


@dataclass(frozen=True, slots=True)
class Case:
    """One run to be made. ``change`` is empty where the server stays as it is."""

    controller: str
    server: str
    remembered: bool
    change: str
    seed: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One run, in figures.

    Attributes:
        case: which run.
        tips: how often the server fell over after its return.
        goodput: mean share of the capacity used from 60 s after the return, or the last change, on.
        reached: seconds from the return until 95 % were used for five seconds; None: never.
        found: the same from the last change on, with a window that fits the workers there are then:
            at most half as large again. None also where nothing changed.
    """

    case: Case
    tips: int
    goodput: float
    reached: float | None
    found: float | None


def cases(seeds: range) -> list[Case]:
    """All runs of the table, the long ones first."""
    ours = [
        Case(GATEWAY, server, remembered, change, seed)
        for server in SERVERS
        for remembered in (False, True)
        for change in ("", *CHANGES)
        for seed in seeds
    ]
    theirs = [
        Case(name, server, remembered=False, change="", seed=seed)
        for name in BASELINES
        for server in SERVERS
        for seed in seeds
    ]
    return sorted(ours + theirs, key=lambda case: _rate(case.server), reverse=True)


def run_all(todo: list[Case]) -> Iterator[Figures]:
    """Run them on all cores, in the order in which they end."""
    with Pool(os.cpu_count()) as pool:
        yield from pool.imap_unordered(run_case, todo)


def run_case(case: Case) -> Figures:
    """Make one run and read its figures."""
    run = simulate(case)
    back = int(OUTAGE)
    change = CHANGES.get(case.change)
    found, counts_from = None, back
    if change is not None:
        counts_from = back + int(change.settled)
        workers = change.ends_with * SERVERS[case.server].workers
        found = _first_full(run, counts_from, most=_FITS * workers)
    steady = run.busy[counts_from + _FROM :]
    return Figures(
        case,
        tips=len(run.tips),
        goodput=sum(steady) / len(steady),
        reached=_first_full(run, back),
        found=found,
    )


def simulate(case: Case) -> Run:
    """Make one run."""
    model = SERVERS[case.server]
    rng = Random(f"{case.server} {case.remembered} {case.change} {case.seed}")
    controller: Controller
    if case.controller == GATEWAY:
        good = round(1.17 * model.workers) if case.remembered else None
        controller = Gateway(Random(case.seed), good=good)
    else:
        controller = BASELINES[case.controller]()
    drive = Drive(model, controller, rng=rng)
    change = CHANGES.get(case.change)
    seconds = SECONDS if change is None else SECONDS - change.after + change.settled
    return drive.go(seconds=seconds, change=change)


def _first_full(run: Run, start: int, *, most: float = math.inf) -> float | None:
    for second in range(start, len(run.busy) - _SPAN + 1):
        span = slice(second, second + _SPAN)
        if sum(run.busy[span]) >= _REACHED * _SPAN and max(run.window[span]) <= most:
            return float(second - start)
    return None


def _rate(server: str) -> float:
    model = SERVERS[server]
    return model.workers / model.service_seconds
