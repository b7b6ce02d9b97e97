"""Response times, their growth, and what a measurement leaves out."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.window import (
    EVEN,
    Measurement,
    Responses,
    Spread,
    growth_of_logs,
    growth_of_means,
)

SECONDS = st.lists(st.floats(min_value=0.001, max_value=100.0), min_size=1, max_size=50)


def responses(*seconds: float) -> Responses:
    found = Responses()
    for one in seconds:
        found.add(one)
    return found


@given(SECONDS, SECONDS)
def test_merging_two_sets_is_the_same_as_taking_in_both(
    first: list[float], then: list[float]
) -> None:
    merged = responses(*first)
    merged.merge(responses(*then))
    whole = responses(*first, *then)
    assert merged.count == whole.count
    assert merged.mean == pytest.approx(whole.mean)
    assert merged.spread.log_variance == pytest.approx(whole.spread.log_variance, abs=1e-6)


@given(SECONDS, st.floats(min_value=0.1, max_value=10.0))
def test_both_ways_of_comparing_agree_when_all_responses_grow_in_proportion(
    seconds: list[float], factor: float
) -> None:
    before, after = responses(*seconds), responses(*(factor * one for one in seconds))
    assert growth_of_logs(before, after, EVEN).log == pytest.approx(math.log(factor), abs=1e-6)
    assert growth_of_means(before, after, EVEN).log == pytest.approx(math.log(factor), abs=1e-6)


@given(SECONDS, st.floats(min_value=0.0, max_value=10.0))
def test_a_queue_never_looks_smaller_by_logarithms_than_by_means(
    seconds: list[float], wait: float
) -> None:
    before, after = responses(*seconds), responses(*(one + wait for one in seconds))
    logs, means = growth_of_logs(before, after, EVEN), growth_of_means(before, after, EVEN)
    assert logs.log >= means.log - 1e-9


def test_the_error_is_about_the_scatter_of_repeated_comparisons() -> None:
    rng = Random(1)
    found = [
        growth_of_logs(
            responses(*(rng.lognormvariate(0, 0.5) for _ in range(100))),
            responses(*(rng.lognormvariate(0, 0.5) for _ in range(50))),
            EVEN,
        )
        for _ in range(300)
    ]
    scatter = math.sqrt(sum(one.log**2 for one in found) / len(found))
    assert found[0].error == pytest.approx(scatter, rel=0.25)


def test_even_responses_of_a_queue_are_no_more_certain_than_the_service_behind_it() -> None:
    even = responses(*[1.0] * 100)
    assert growth_of_logs(even, even, EVEN).error == 0
    assert growth_of_logs(even, even, Spread(4.0, 2.0)).error == pytest.approx(0.2)
    assert growth_of_means(even, even, Spread(2.0, 4.0)).error == pytest.approx(0.2)


def test_fading_keeps_the_mean_and_gives_up_weight() -> None:
    found = responses(1.0, 3.0)
    found.fade(0.5)
    assert (found.count, found.mean) == (1.0, 2.0)


def test_what_began_under_the_old_window_is_not_measured() -> None:
    measurement = Measurement(3, settle=3, now=0.0)
    taken = [measurement.add(1.0, now=float(second)) for second in range(1, 6)]
    assert taken == [False, False, False, True, True]
    assert (measurement.count, measurement.since) == (2, 3.0)
    assert repr(measurement) == "<Measurement at 3: 2 counted>"


def test_an_instant_answer_does_not_break_the_logarithm() -> None:
    assert responses(0.0).log_mean < 0
