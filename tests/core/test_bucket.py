"""A token bucket: an even rate passes, a burst ends, and the wait that is told is right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.bucket import Bucket


def test_an_even_rate_up_to_the_limit_is_never_refused() -> None:
    bucket = Bucket(per_second=10.0, now=0.0)
    assert all(bucket.take(now=number * 0.1001) == 0.0 for number in range(200))


@pytest.mark.parametrize(("per_second", "burst"), [(5.0, 5), (0.5, 1), (1.5, 1)])
def test_a_burst_of_one_second_passes(per_second: float, burst: int) -> None:
    bucket = Bucket(per_second=per_second, now=0.0)
    assert [bucket.take(now=0.0) == 0.0 for _ in range(burst + 1)] == [True] * burst + [False]


@given(per_second=st.floats(0.01, 1e4), gaps=st.lists(st.floats(0.0, 3.0), max_size=60))
def test_never_more_than_the_rate_and_the_wait_is_enough(
    per_second: float, gaps: list[float]
) -> None:
    bucket, now, taken = Bucket(per_second=per_second, now=0.0), 0.0, 0
    for gap in gaps:
        now += gap
        wait = bucket.take(now=now)
        taken += wait == 0.0
        if wait > 0.0:
            assert wait <= 1.0 / per_second * 1.001
            now += wait * 1.001
            assert bucket.take(now=now) == 0.0
            taken += 1
    assert taken <= max(per_second, 1.0) + per_second * now + 1e-6
