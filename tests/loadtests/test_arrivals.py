"""When citizens come."""

import math
import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arrivals import (
    Flood,
    Profile,
    Segment,
    constant,
    due_times,
    flooding,
    office_day,
    season,
)

PROFILES = {
    "constant": constant(5, 100),
    "day": office_day(5, 80),
    "season": season(5, 100, date(2016, 10, 1), date(2017, 3, 15)),
}


def _due(profile: Profile, share: float, seed: int) -> list[float]:
    return list(due_times(profile, share, random.Random(seed)))


@given(
    segments=st.lists(
        st.builds(Segment, st.floats(0.1, 20), st.floats(0.01, 5)), min_size=1, max_size=6
    ),
    per_second=st.floats(0.1, 20),
    share=st.floats(0.01, 1),
    seed=st.integers(0, 2**32),
)
def test_due_times_ascend_stay_inside_and_repeat_by_seed(
    segments: list[Segment], per_second: float, share: float, seed: int
) -> None:
    profile = Profile(per_second, tuple(segments))
    due = _due(profile, share, seed)
    assert due == sorted(due)
    assert all(0 < at < profile.seconds for at in due)
    assert due == _due(profile, share, seed)


@pytest.mark.parametrize("name", PROFILES)
def test_the_rates_of_a_profile_have_its_mean(name: str) -> None:
    profile = PROFILES[name]
    steps = 20_000
    width = profile.seconds / steps
    area = sum(profile.rate((n + 0.5) * width) * width for n in range(steps))
    assert area == pytest.approx(profile.expected, rel=0.01)


@pytest.mark.parametrize("name", PROFILES)
def test_as_many_come_as_expected_within_four_standard_deviations(name: str) -> None:
    profile = PROFILES[name].scaled(10, 1)
    came = sum(len(_due(profile, 1 / 58, seed)) for seed in range(58))
    assert abs(came - profile.expected) < 4 * math.sqrt(profile.expected)


def test_more_come_where_the_rate_is_higher() -> None:
    day = office_day(50, 80)
    due = _due(day, 1, seed=1)
    morning = sum(at < 20 for at in due)
    noon = sum(40 <= at < 50 for at in due)
    assert morning / 20 == pytest.approx(day.rate(0), rel=0.15)
    assert noon / 10 == pytest.approx(day.rate(45), rel=0.3)
    assert day.rate(0) == pytest.approx(50 * 2.0 * 8 / 8.9)


def test_nobody_comes_outside_of_the_profile() -> None:
    profile = constant(5, 10)
    assert profile.rate(-0.1) == 0
    assert profile.rate(10) == 0


@given(count=st.floats(0.1, 10), time=st.floats(0.1, 10))
def test_scaling_multiplies_the_rate_and_the_time_apart(count: float, time: float) -> None:
    scaled = office_day(5, 80).scaled(count, time)
    assert scaled.seconds == pytest.approx(80 * time)
    assert scaled.per_second == pytest.approx(5 * count)
    assert scaled.rate(45 * time) == pytest.approx(office_day(5, 80).rate(45) * count)


def test_a_season_has_working_days_only_and_swells_at_the_end_of_the_month() -> None:
    whole = season(10, 21 * 8, date(2016, 11, 1), date(2016, 11, 30))
    mornings = whole.segments[::5]
    assert len(mornings) == 22
    first, end, last = mornings[0].weight, mornings[-2].weight, mornings[-1].weight
    assert end / first == pytest.approx(1.8)
    assert last / end == pytest.approx(1.5)
    assert sum(morning.weight > first for morning in mornings) == 5


def test_two_stations_do_not_get_the_same_times() -> None:
    assert _due(constant(5, 100), 0.5, seed=1) != _due(constant(5, 100), 0.5, seed=2)


def test_one_station_floods_from_its_moment_on_and_nobody_else() -> None:
    flood = Flood("one", times=100.0, from_seconds=40.0)
    profile = constant(10, 100)
    more = list(flooding(profile, 0.02, "one", flood, random.Random(1)))
    assert min(more) >= 40.0
    assert len(more) == pytest.approx(99 * 0.02 * 10 * 60, rel=0.1)
    assert list(flooding(profile, 0.02, "other", flood, random.Random(1))) == []
    assert list(flooding(profile, 0.02, "one", None, random.Random(1))) == []
