"""Steady keeps the window just above the knee."""

import pytest

from gateway.core.facts import UpstreamState
from gateway.core.recovery.knowledge import Knowledge
from gateway.core.recovery.settings import LimiterSettings
from gateway.core.recovery.state import Sample
from gateway.core.recovery.steady import Steady
from gateway.core.window import Responses
from tests.core.feeding import DELIVERED, REFUSED, feed, knee_at


def steady(window: int, *, cliff: int | None = None) -> Steady:
    known = Knowledge(LimiterSettings(), now=0.0)
    if cliff is not None:
        known.learn_cliff(cliff, now=0.0)
    return Steady(known, window, now=0.0)


def run(state: Steady, workers: int, *, moves: int, now: float = 0.0) -> list[int | None]:
    """The windows of the next moves; None where it leaves the state."""
    windows: list[int | None] = []
    for _ in range(moves):
        move, now = feed(state, knee_at(workers), now=now)
        assert move is not None
        if move.to is not None:
            return [*windows, None]
        state.moved(move.window, now=now)
        windows.append(move.window)
    return windows


def test_at_rest_it_alternates_with_a_lower_window_that_keeps_the_workers_busy() -> None:
    assert run(steady(58), 50, moves=6) == [46, 58, 46, 58, 46, 58]


def test_the_better_it_is_settled_the_rarer_it_probes() -> None:
    state, now, gaps = steady(58), 0.0, []
    for _ in range(8):
        before = now
        move, now = feed(state, knee_at(50), now=now)
        assert move is not None
        if move.window < 58:
            gaps.append(now - before)
        state.moved(move.window, now=now)
    assert gaps == sorted(gaps)
    assert gaps[-1] > 3 * gaps[0]


def test_it_looks_soon_when_the_server_may_have_become_faster() -> None:
    gaps = []
    for seconds in (0.2, 0.192):
        state, now = steady(60), 0.0
        for _ in range(8):
            move, now = feed(state, knee_at(50), now=now)
            assert move is not None
            state.moved(move.window, now=now)
        before = now
        move, now = feed(state, knee_at(50, seconds=seconds), now=now)
        assert move is not None
        assert move.window == (48 if seconds == 0.2 else 42)
        gaps.append(now - before)
    assert gaps[1] < 0.4 * gaps[0]


def test_a_window_far_above_the_knee_comes_down() -> None:
    windows = run(steady(100), 50, moves=40)
    assert windows[-1] is not None
    assert 0.8 * 55 <= windows[-1] <= 70


def test_a_knee_that_is_below_the_lower_window_twice_is_looked_for_further_down() -> None:
    windows = run(steady(100), 30, moves=6)
    assert windows[:5] == [80, 93, 74, 86, 56]
    assert windows[5] is not None
    assert windows[5] < 86


def test_the_smallest_window_has_nothing_below_to_look_at() -> None:
    state, now = steady(1), 0.0
    for seconds in (0.2, 0.2, 0.05):
        for _ in range(60):
            now += seconds
            assert state.observe(Sample(DELIVERED, seconds), full=True, running=0, now=now) is None


def test_below_the_knee_it_leaves_for_slow_start_with_what_it_measured() -> None:
    state = steady(20)
    assert run(state, 50, moves=3) == [16, None]
    move, _ = feed(steady(20), knee_at(50))
    assert move is not None
    assert move.to is None


def test_a_slower_server_with_the_same_knee_keeps_its_window() -> None:
    state = steady(58)
    assert run(state, 50, moves=4) == [46, 58, 46, 58]
    move, now = feed(state, knee_at(50, seconds=0.4), now=1000.0)
    assert move is not None
    state.moved(move.window, now=now)
    move, _ = feed(state, knee_at(50, seconds=0.4), now=now)
    assert move is not None
    assert (move.to, move.window) == (None, 58)


def test_half_the_workers_are_found_in_one_deep_look() -> None:
    state = steady(58)
    assert run(state, 50, moves=4) == [46, 58, 46, 58]
    windows = run(state, 25, moves=2, now=1000.0)
    assert windows[0] == 29
    assert windows[1] is not None
    assert 25 < windows[1] <= 1.5 * 25


def test_a_base_that_slow_start_measured_tells_at_once_that_the_server_is_slower() -> None:
    base = Responses()
    for _ in range(100):
        base.add(0.2)
    state = Steady(Knowledge(LimiterSettings(), now=0.0), 60, now=0.0, base=base)
    assert run(state, 25, moves=1) == [30]


def test_it_never_raises_above_a_cliff_that_is_known() -> None:
    state = steady(40, cliff=47)  # 0.85 * 47 = 39
    for _ in range(20):
        move, now = feed(state, knee_at(36))
        assert move is not None
        assert move.window <= 40
        if move.to is not None:
            break
        state.moved(move.window, now=now)


@pytest.mark.parametrize(("since_raise", "cliff"), [(5.0, 62), (15.0, None)])
def test_a_fall_is_our_doing_only_shortly_after_a_raise(
    since_raise: float, cliff: int | None
) -> None:
    state = steady(58)
    state.moved(62, now=100.0)
    moves = [
        state.observe(Sample(REFUSED, 0.1), full=True, running=0, now=100.0 + since_raise)
        for _ in range(5)
    ]
    assert moves[-1] is not None
    assert (moves[-1].to, moves[-1].cliff) == (UpstreamState.OPEN, cliff)


def test_signs_of_overload_lead_to_slow_start_at_a_smaller_window_and_tell_the_cliff() -> None:
    state = steady(50)
    bad, good = Sample(REFUSED, 0.1), Sample(DELIVERED, 0.1)
    moves = [
        state.observe(one, full=True, running=0, now=1.0)
        for one in (bad, good, bad, good, bad, good)
    ]
    assert moves[-1] is not None
    assert (moves[-1].to, moves[-1].window, moves[-1].cliff) == (UpstreamState.SLOW_START, 35, 50)
    assert moves[-1].backs_off


def test_overload_shrinks_no_further_than_the_floor() -> None:
    state = steady(2)
    bad, good = Sample(REFUSED, 0.1), Sample(DELIVERED, 0.1)
    moves = [
        state.observe(one, full=True, running=0, now=1.0)
        for one in (bad, good, bad, good, bad, good)
    ]
    assert moves[-1] is not None
    assert moves[-1].window == 2


def test_even_the_smallest_window_finds_its_way_up() -> None:
    assert run(steady(2), 10, moves=3)[-1] is None


def test_workers_that_return_are_seen_in_the_middle_of_a_measurement() -> None:
    """A drain may not wait for measurements to end: two looks and a climb, all within seconds."""
    state = steady(58)
    assert run(state, 50, moves=4) == [46, 58, 46, 58]
    move, now = feed(state, knee_at(100), now=1000.0)
    assert move is not None
    assert move.window == 41
    assert now - 1000.0 < 0.3  # a measurement takes twice as long
    state.moved(move.window, now=now)
    move, now = feed(state, knee_at(100), now=now)
    assert move is not None
    assert (move.to, move.window) == (UpstreamState.SLOW_START, 58)
    assert now - 1000.0 < 3.0


def test_a_server_that_only_became_faster_keeps_its_window_after_one_look_below() -> None:
    state = steady(58)
    assert run(state, 50, moves=4) == [46, 58, 46, 58]
    windows, now = [], 1000.0
    for _ in range(3):
        move, now = feed(state, knee_at(50, seconds=0.1), now=now)
        assert move is not None
        assert move.to is None
        state.moved(move.window, now=now)
        windows.append(move.window)
    assert windows == [41, 58, 46]


def test_it_rests_while_the_load_does_not_fill_the_window() -> None:
    state = steady(58)
    for second in range(3000):
        assert (
            state.observe(Sample(DELIVERED, 0.2), full=False, running=0, now=float(second)) is None
        )
