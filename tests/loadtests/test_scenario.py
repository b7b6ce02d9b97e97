"""Scenarios as data."""

from pathlib import Path

import pytest

from loadtests import scenario as scenarios
from loadtests.scenario import ScenarioError
from loadtests.stations import HABITS, usual_habit

WHOLE = """
title = "Small"
prose = "A small one."
limit_seconds = 100
[arrivals]
per_second = 4
seconds = 60
[server]
workers = 8
down_seconds = 300
[[faults]]
kind = "hang"
at_seconds = 20
duration_seconds = 10
[targets]
retips = { max = 0 }
"""


def _written(folder: Path, text: str) -> str:
    path = folder / "small.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", scenarios.names())
def test_every_scenario_that_comes_along_can_be_read(name: str) -> None:
    scenario = scenarios.load(name)
    assert scenario.name == name
    assert scenario.prose.strip()
    assert scenario.targets


@pytest.mark.parametrize("name", scenarios.names())
def test_desks_know_the_habit_that_a_scenario_asks_of_them(name: str) -> None:
    assert usual_habit("gateway", scenarios.load(name).stations.habit) in HABITS


def test_the_main_scenarios_are_there() -> None:
    wanted = {"baseline", "demo", "five-minute-outage", "morning-surge", "season"}
    assert wanted <= set(scenarios.names())


def test_a_season_brings_155_000_enrollments() -> None:
    assert scenarios.load("season").arrivals.profile().expected == pytest.approx(155_000, rel=0.01)


def test_a_surge_morning_is_above_what_the_server_can_take() -> None:
    scenario = scenarios.load("morning-surge")
    capacity = scenario.server.workers / scenario.server.service_seconds
    assert scenario.arrivals.profile().peak == pytest.approx(13.4, rel=0.01)
    assert capacity == pytest.approx(11.4, rel=0.01)


@pytest.mark.parametrize(
    ("instead", "of", "told"),
    [
        ("per_secnd", "per_second", "arrivals.per_secnd: no such key, did you mean per_second?"),
        ("workerz", "workers", "server.workerz: no such key, did you mean workers?"),
        ("limit_secs", "limit_seconds", "limit_secs: no such key, did you mean limit_seconds?"),
        ("at_secs", "at_seconds", "faults.0.hang.at_secs: no such key"),
        ("retip =", "retips =", "target retip: no such measure"),
        ("maximum = 0", "max = 0", "targets.retips.maximum"),
        ("seconds = -60", "seconds = 60", "arrivals.seconds: Input should be greater than 0"),
        ('kind = "gone"', 'kind = "hang"', "faults.0"),
        ("workers = 0", "workers = 8", "server: Value error, workers is 0"),
    ],
)
def test_a_mistake_is_told_by_file_and_key(
    tmp_path: Path, instead: str, of: str, told: str
) -> None:
    assert of in WHOLE
    path = _written(tmp_path, WHOLE.replace(of, instead))
    with pytest.raises(ScenarioError) as caught:
        scenarios.load(path)
    assert path in str(caught.value)
    assert told in str(caught.value)


def test_a_kecamatan_that_there_is_not_is_a_mistake(tmp_path: Path) -> None:
    text = f'{WHOLE}[[bursts]]\nkecamatan = "21"\ncount = 5\nat_seconds = 1\n'
    with pytest.raises(ScenarioError, match="there is no kecamatan 21"):
        scenarios.load(_written(tmp_path, text))


def test_bursts_and_kills_move_with_the_time_scale(tmp_path: Path) -> None:
    text = f"{WHOLE}[[kills]]\nat_seconds = 30\n"
    text += '[[bursts]]\nkecamatan = "12"\ncount = 5\nat_seconds = 20\nover_seconds = 6\n'
    scaled = scenarios.load(_written(tmp_path, text)).scaled(1.0, 0.1)
    assert [kill.at_seconds for kill in scaled.kills] == [3]
    (burst,) = scaled.bursts
    assert (burst.at_seconds, burst.over_seconds) == pytest.approx((2, 0.6))


def test_every_mistake_is_told_not_the_first_alone(tmp_path: Path) -> None:
    text = WHOLE.replace("workers", "workerz").replace("per_second", "per_secnd")
    with pytest.raises(ScenarioError, match=r"(?s)per_secnd.*workerz"):
        scenarios.load(_written(tmp_path, text))


def test_season_dates_without_a_season_are_a_mistake(tmp_path: Path) -> None:
    text = WHOLE.replace("seconds = 60", "seconds = 60\nfirst = 2016-10-01")
    with pytest.raises(ScenarioError, match="belong to shape"):
        scenarios.load(_written(tmp_path, text))


def test_text_that_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="line 1"):
        scenarios.load(_written(tmp_path, "title = oops"))


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="did you mean five-minute-outage"):
        scenarios.load("five-minutes-outage")


def test_scaling_changes_arrivals_and_all_that_lasts_but_not_the_server(tmp_path: Path) -> None:
    scaled = scenarios.load(_written(tmp_path, WHOLE)).scaled(count=3, time=0.5)
    assert scaled.arrivals.per_second == 12
    assert scaled.arrivals.seconds == 30
    assert scaled.limit_seconds == 50
    assert scaled.server.workers == 8
    assert scaled.server.down_seconds == 150
    fault = scaled.faults[0]
    assert (fault.at_seconds, fault.duration_seconds) == (10, 5)


def test_as_data_it_can_be_judged_again(tmp_path: Path) -> None:
    data = scenarios.load(_written(tmp_path, WHOLE)).as_data()
    assert data["name"] == "small"
    assert data["targets"] == {"retips": {"max": 0.0}}
    assert data["faults"][0]["kind"] == "hang"


def test_the_gateway_is_told_what_the_server_does_with_keys() -> None:
    for name in scenarios.names():
        one = scenarios.load(name)
        told = one.gateway.get("upstream.honours_idempotency_key", True)
        assert told == one.server_honours_key, name
        assert one.server_lookup or "upstream.lookup_path" not in one.gateway, name
