"""What stations send and when: the same for the same seed, whoever walks it."""

from dataclasses import replace

import pytest

from loadtests import scenario as scenarios
from loadtests.scenario_parts import Burst
from loadtests.schedule import Schedule
from loadtests.stations import station_names

DESK = "36.03.12-1"


def schedule(seed: int = 1, tag: str = "t", *, burst: Burst | None = None) -> Schedule:
    scenario = scenarios.load("demo").scaled(1.0, 0.2)
    if burst is not None:
        scenario = replace(scenario, bursts=(burst,))
    return Schedule.of(scenario, seed, tag)


def test_the_seed_alone_says_who_comes_when() -> None:
    due = [list(schedule(seed).due_times(DESK)) for seed in (1, 1, 2)]
    assert due[0] == due[1] != due[2]


def test_all_stations_together_bring_what_the_scenario_says() -> None:
    arrivals = sum(
        len(list(schedule(seed).due_times(name))) for seed in range(5) for name in station_names(2)
    )
    assert arrivals == pytest.approx(5 * 25 * 12, rel=0.1)


def test_the_tag_is_in_the_keys_and_nowhere_else() -> None:
    (one, body), (other, same) = (schedule(1, tag).enrollment(DESK, 3, 5.0) for tag in ("a", "b"))
    assert (one.key, other.key) == (f"a-{DESK}-3", f"b-{DESK}-3")
    assert body == same == schedule().packet(one)
    assert one.due == 5.0


def test_a_burst_comes_evenly_over_its_time_from_both_desks() -> None:
    burst = Burst("12", 9, 2.0, 4.0)
    usual, more = schedule(), schedule(burst=burst)
    due = {
        name: sorted({*more.due_times(name)} - {*usual.due_times(name)})
        for name in (DESK, "36.03.12-2", "36.03.13-1")
    }
    assert due == {
        DESK: pytest.approx([2.0, 2.8, 3.6, 4.4, 5.2]),
        "36.03.12-2": [2.0, 3.0, 4.0, 5.0],
        "36.03.13-1": [],
    }
