"""A measure over several seeds."""

import math
from dataclasses import replace

import pytest

from loadtests.meanings import Figure
from loadtests.medians import Spread, spread
from tests.loadtests.honest import honest


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([3.0], Spread(3.0, 3.0, 3.0)),
        ([5.0, 1.0, 2.0], Spread(2.0, 1.0, 5.0)),
        ([4.0, 1.0], Spread(1.0, 1.0, 4.0)),
        ([1.0, math.inf, math.inf], Spread(math.inf, 1.0, math.inf)),
        ([None, 2.0, 3.0, 4.0], Spread(3.0, 2.0, 4.0)),
        ([None, None], Spread(None, None, None)),
    ],
)
def test_the_median_is_one_of_the_runs_and_never_hides_the_bounds(
    values: list[Figure], wanted: Spread
) -> None:
    verdict = honest().judge()
    verdicts = [
        replace(verdict, measures={**verdict.measures, "drain_ratio": value}) for value in values
    ]
    assert spread(verdicts, "drain_ratio") == wanted
