"""Scenarios of the load tests under virtual time: nothing lost, and the same each time."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests import scenario as scenarios
from loadtests.evidence import Evidence, gather
from loadtests.scenario import Scenario
from loadtests.scenario_parts import Kill
from loadtests.schedule import Schedule
from loadtests.stations import station_names
from loadtests.targets import HARM
from loadtests.verdict import decide
from simulation.scenarios.agreement import Pair, page, told
from simulation.scenarios.play import Played, play
from simulation.scenarios.terms import NotSimulated, terms_of

ROOT = Path(__file__).parents[2]


def shortened(name: str, *, time: float, count: float = 1.0) -> Scenario:
    return scenarios.load(name).scaled(count, time)


def evidence(played: Played) -> Evidence:
    return gather(played.sent, played.ledger)


@pytest.fixture(scope="module")
def outage() -> Played:
    return play(shortened("demo", time=0.3), seed=1)


def test_every_citizen_of_the_schedule_comes_when_due_and_is_recorded_once(outage: Played) -> None:
    scenario = shortened("demo", time=0.3)
    schedule = Schedule.of(scenario, 1, "1")
    due = sorted(at for name in station_names(2) for at in schedule.due_times(name))
    found = evidence(outage)
    assert sorted(case.due for case in found.cases.values()) == due
    verdict = decide(found)
    assert {name: verdict.measures[name] for name in HARM} == dict.fromkeys(HARM, 0)
    assert verdict.measures["recorded"] == len(due)
    assert verdict.measures["outages"] == 1
    assert not verdict.invalid
    assert not outage.broken


def test_a_gateway_killed_twice_loses_and_doubles_nothing() -> None:
    scenario = shortened("gateway-killed", time=0.25)
    scenario = replace(scenario, kills=(Kill(5.0, 2.0), Kill(14.0, 1.0)))
    played = play(scenario, seed=2)
    verdict = decide(evidence(played))
    assert {name: verdict.measures[name] for name in HARM} == dict.fromkeys(HARM, 0)
    assert not played.broken


def test_what_has_no_likeness_is_refused_with_a_reason() -> None:
    with pytest.raises(NotSimulated, match="lines of stations"):
        terms_of(scenarios.load("slow-uplink"), 1)


@pytest.mark.parametrize("name", sorted({*scenarios.names()} - {"slow-uplink"}))
def test_every_other_scenario_has_terms(name: str) -> None:
    scenario = scenarios.load(name)
    terms = terms_of(scenario, 1)
    given = scenario.gateway.get("upstream.timeout_seconds", 30)
    assert (terms.timeout, terms.model, terms.faults) == (given, scenario.server, scenario.faults)


def test_the_same_seed_leaves_the_same_logs_to_the_letter(tmp_path: Path) -> None:
    def logs(hashing: str) -> list[bytes]:
        folder = tmp_path / hashing
        command = [sys.executable, "-m", "simulation", "scenario", "demo", "--time-scale", "0.2"]
        done = subprocess.run(
            [*command, "--seed", "7", "--out", str(folder)],
            env=os.environ | {"PYTHONHASHSEED": hashing},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        assert (folder / "report.html").exists()
        return [(folder / f"{name}.jsonl").read_bytes() for name in ("sent", "ledger", "gateway")]

    first = logs("1")
    assert all(first)
    assert first == logs("2")


def test_a_run_agrees_with_itself_and_not_with_one_that_drained_much_slower(
    outage: Played,
) -> None:
    real = told(evidence(outage))
    assert all(Pair(18.0, real, real).agrees(figure) for figure in ("recorded", "drain time"))
    slower = dict(real.figures)
    slower["drain time"] = (slower["drain time"] or 0.0) * 1.16
    pair = Pair(18.0, real, replace(real, figures=slower))
    assert pair.agrees("backlog's peak")
    assert not pair.agrees("drain time")
    (row,) = (line for line in page([pair], "this").splitlines() if "| drain time |" in line)
    assert row.endswith("| 1.160 | **no** |")
    assert "2 of 3 figures of 1 runs agree." in page([pair], "this")
