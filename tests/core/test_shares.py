"""Each station's line: oldest first among equals, and a flood goes behind."""

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.shares import FREE, LONGEST_LAG_SECONDS, STEP_SECONDS, Line, Shares


def join(shares: Shares, station: str, *, at: float) -> float:
    """Put one in; the time that it counts as accepted at."""
    line = shares.joined(station, accepted_at=at)
    shares.put(station, line)
    return line.last


def test_stations_that_are_alike_go_by_age_alone_however_much_waits() -> None:
    shares, rng = Shares(), random.Random(1)
    names = [f"desk {n}" for n in range(60)]
    for number in range(60_000):
        assert join(shares, rng.choice(names), at=float(number)) == float(number)


def test_each_beyond_the_share_goes_a_second_behind_the_one_before_it() -> None:
    shares = Shares()
    counts_as = [join(shares, "flood", at=100.0) for _ in range(FREE + 3)]
    assert counts_as == [100.0] * FREE + [101.0, 102.0, 103.0]
    assert join(shares, "other", at=100.5) == 100.5


def test_a_station_keeps_its_own_order_until_its_line_is_empty() -> None:
    shares = Shares()
    last = [join(shares, "flood", at=100.0) for _ in range(FREE + 50)][-1]
    for _ in range(FREE + 49):
        shares.leave("flood")
    assert join(shares, "flood", at=101.0) == last
    shares.leave("flood")
    shares.leave("flood")
    assert join(shares, "flood", at=102.0) == 102.0


def test_a_share_grows_with_what_the_others_have() -> None:
    shares = Shares()
    for name in ("a", "b", "c"):
        shares.put(name, Line(1000, 0.0))
    shares.put("big", Line(3999, 0.0))
    assert join(shares, "big", at=50.0) == 50.0
    assert join(shares, "big", at=50.0) == 51.0


def test_stations_that_have_nothing_waiting_count_in_the_average() -> None:
    shares = Shares()
    for number in range(20):
        join(shares, f"desk {number}", at=1.0)
        shares.leave(f"desk {number}")
    # Two floods at once must not take each other for the usual.
    for _ in range(500):
        join(shares, "one", at=10.0)
        join(shares, "two", at=10.0)
    assert join(shares, "one", at=10.0) > 100.0
    assert join(shares, "two", at=10.0) > 100.0
    assert join(shares, "desk 0", at=10.0) == 10.0


def test_no_lag_is_longer_than_a_day() -> None:
    shares = Shares()
    shares.put("flood", Line(10**6, 10.0**9))
    assert join(shares, "flood", at=5.0) == 5.0 + LONGEST_LAG_SECONDS


MOVES = st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 5)), max_size=400)


@given(MOVES)
def test_it_never_goes_before_its_time_nor_more_than_a_second_for_each_of_its_own(
    moves: list[tuple[str, bool, float]],
) -> None:
    shares, now = Shares(), 0.0
    lines: dict[str, list[float]] = {name: [] for name in "abc"}
    for station, leaves, pause in moves:
        now += pause
        line = lines[station]
        if leaves and line:
            line.pop(0)
            shares.leave(station)
            continue
        before = line[-1] if line else now
        counts_as = join(shares, station, at=now)
        assert now <= counts_as <= max(now, before) + STEP_SECONDS
        assert counts_as >= before or not line
        line.append(counts_as)
        assert shares.line(station).waiting == len(line)
