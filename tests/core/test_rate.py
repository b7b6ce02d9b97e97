"""How fast deliveries come."""

import pytest

from gateway.core.rate import RateMeter


@pytest.mark.parametrize("per_second", [1.0, 40.0, 1000.0])
def test_a_steady_stream_reads_as_its_rate_early_and_late(per_second: float) -> None:
    meter = RateMeter(horizon=15.0)
    for number in range(int(60 * per_second)):
        now = number / per_second
        meter.count(now=now)
        if now in {5.0, 30.0, 59.0}:
            assert meter.rate(now=now) == pytest.approx(per_second, rel=0.25)


def test_silence_lets_the_rate_fade() -> None:
    meter = RateMeter(horizon=15.0)
    for number in range(600):
        meter.count(now=number / 10)
    assert 0.0 < meter.rate(now=60.0 + 55.0) < 0.3
    assert meter.rate(now=60.0 + 75.0) == 0.0
    assert RateMeter().rate(now=1.0) == 0.0
