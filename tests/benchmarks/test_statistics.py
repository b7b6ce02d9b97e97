"""Paired rounds: the median of the ratios, not the ratio of the medians."""

import pytest

from benchmarks.results import Row
from benchmarks.statistics import Spread, paired, spread


def test_what_disturbs_both_sides_of_a_round_cancels_out() -> None:
    assert paired([50.0, 5.0, 51.0], [100.0, 10.0, 100.0]) == Spread(0.5, 0.5, 0.51, 3)


def test_a_spread_tells_how_far_apart_its_rounds_were() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)


@pytest.mark.parametrize(("ours", "bare"), [([1.0], [1.0, 2.0]), ([1.0], [0.0]), ([], [])])
def test_rounds_that_do_not_pair_are_refused(ours: list[float], bare: list[float]) -> None:
    with pytest.raises(ValueError, match="round"):
        paired(ours, bare)


def test_a_goal_is_met_only_if_clock_and_processor_time_both_say_so() -> None:
    good, bad = spread([0.7]), spread([0.3])
    row = Row("2 KB", "/s", spread([70.0]), spread([100.0]), ratio=good, by_cpu=bad, goal=0.6)
    assert row.met is False
    assert Row("2 KB", "/s", spread([70.0]), ratio=good, by_cpu=good, goal=0.6).met is True
    assert Row("p99", "ratio", spread([1.3]), goal=1.15, at_least=False).met is False
    assert Row("p99", "ratio", spread([1.3])).met is None
