"""The service time has the mean and spread that it was given, and grows past the knee."""

from random import Random
from statistics import fmean, stdev

import pytest

from loadtests.server.model import Model


@pytest.mark.parametrize("cv", [0.2, 0.5, 1.5])
def test_service_times_have_the_given_mean_and_coefficient_of_variation(cv: float) -> None:
    model, rng = Model(service_seconds=0.2, cv=cv), Random(1)
    times = [model.draw_seconds(rng, outstanding=1) for _ in range(40_000)]
    assert fmean(times) == pytest.approx(0.2, rel=0.03)
    assert stdev(times) / fmean(times) == pytest.approx(cv, rel=0.1)


@pytest.mark.parametrize(
    ("outstanding", "seconds"), [(1, 0.2), (10, 0.2), (11, 0.21), (15, 0.25), (20, 0.3), (30, 0.4)]
)
def test_past_the_knee_the_service_time_grows_by_the_thrash_per_knee(
    outstanding: int, seconds: float
) -> None:
    model = Model(service_seconds=0.2, cv=0, knee=10, thrash=0.5)
    assert model.draw_seconds(Random(1), outstanding=outstanding) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", 0),
        ("knee", 0),
        ("collapse_at", 0),
        ("service_seconds", 0),
        ("service_seconds", float("nan")),
        ("cv", -0.1),
        ("thrash", -1),
        ("down_seconds", float("inf")),
        ("return_seconds", -1),
        ("cut_share", 1.1),
    ],
)
def test_a_server_that_cannot_be_is_refused_by_the_name_of_the_figure(
    name: str, value: float
) -> None:
    with pytest.raises(ValueError, match=name):
        Model(**{name: value})  # type: ignore[arg-type]  # on purpose
