"""When to try again."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.retry import GiveUp, RetryAt, RetryPolicy, next_try

POLICY = RetryPolicy(base=1.0, cap=60.0, max_age=3600.0)


@given(
    attempts=st.integers(1, 10_000),
    seed=st.integers(0, 1000),
    retry_after=st.none() | st.floats(0, 300),
)
def test_the_wait_is_within_the_backoff_and_not_before_the_server_asked(
    attempts: int, seed: int, retry_after: float | None
) -> None:
    retry = next_try(
        POLICY,
        attempts=attempts,
        since=1000.0,
        now=1000.0,
        rng=random.Random(seed),
        retry_after=retry_after,
    )
    assert isinstance(retry, RetryAt)
    least = 1000.0 + (retry_after or 0.0)
    assert least <= retry.at <= least + min(60.0, 2.0 ** min(attempts - 1, 60)) + 1e-6


def test_the_jitter_is_full() -> None:
    rng = random.Random(1)
    waits = [
        retry.at
        for _ in range(2000)
        if isinstance(retry := next_try(POLICY, attempts=6, since=0.0, now=0.0, rng=rng), RetryAt)
    ]
    assert min(waits) < 1.0
    assert max(waits) > 31.0
    assert sum(waits) / len(waits) == pytest.approx(16.0, rel=0.05)


def test_too_old_is_given_up_and_never_dropped() -> None:
    retry = next_try(POLICY, attempts=1, since=0.0, now=3601.0, rng=random.Random(1))
    assert retry == GiveUp("too-old")
