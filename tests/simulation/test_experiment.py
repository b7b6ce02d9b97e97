"""Runs are repeatable, the gateway holds its promises on a small server, and the page tells it."""

import pytest

from simulation.controllers import BASELINES
from simulation.experiment import GATEWAY, Case, cases, run_case, simulate
from simulation.page import page
from simulation.servers import CHANGES, SERVERS

SMALL = next(iter(SERVERS))


@pytest.mark.parametrize("remembered", [False, True])
@pytest.mark.parametrize("change", ["", "half the workers", "twice the workers"])
def test_the_gateway_brings_a_small_server_back_and_never_tips_it(
    change: str, *, remembered: bool
) -> None:
    figures = run_case(Case(GATEWAY, SMALL, remembered, change, seed=0))
    assert figures.tips == 0
    assert figures.goodput >= 0.95
    assert figures.reached is not None
    assert figures.reached <= (30 if remembered else 60)


@pytest.mark.parametrize("change", ["half the workers, for a minute", "a brownout"])
def test_a_server_that_was_weak_for_a_while_is_soon_used_fully_again(change: str) -> None:
    figures = [
        run_case(Case(GATEWAY, SMALL, remembered=True, change=change, seed=s)) for s in (0, 1)
    ]
    assert sum(one.tips for one in figures) == 0
    assert all(one.found is not None and one.found <= 30 for one in figures)
    assert min(one.goodput for one in figures) >= 0.95


def test_a_window_that_does_not_fit_tips_the_server_each_time_it_returns() -> None:
    figures = run_case(Case("fixed window of 50", SMALL, remembered=False, change="", seed=0))
    assert figures.tips >= 2
    assert figures.goodput < 0.5


@pytest.mark.parametrize("controller", [GATEWAY, *BASELINES])
def test_the_same_case_gives_the_same_run(controller: str) -> None:
    case = Case(controller, "12, 1 s, 20", remembered=False, change="", seed=3)
    assert simulate(case) == simulate(case)


def test_every_row_has_as_many_runs_as_seeds() -> None:
    todo = cases(range(7, 9))
    assert len(todo) == len(set(todo)) == 2 * 6 * (2 * (1 + len(CHANGES)) + len(BASELINES))


def test_the_page_has_the_mean_and_the_worst_of_each_row() -> None:
    figures = [run_case(Case(GATEWAY, SMALL, remembered=True, change="", seed=s)) for s in (0, 1)]
    lines = page(figures, seeds=range(2)).splitlines()
    rows = [line for line in lines if line.startswith(f"| {GATEWAY} ")]
    assert len(rows) == 1
    assert f"| {SMALL} | remembered | 0 |" in rows[0]
    assert f"{min(one.goodput for one in figures):.1%}" in rows[0]


def test_a_row_of_fewer_runs_says_so() -> None:
    figures = [run_case(Case(GATEWAY, SMALL, remembered=False, change="", seed=0))]
    assert f"| {SMALL} | cold, 1 seeds |" in page(figures, seeds=range(2))
    assert f"| {SMALL} | cold |" in page(figures, seeds=range(1))
