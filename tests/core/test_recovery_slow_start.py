"""Slow start finds the knee from below."""

from random import Random

import pytest

from gateway.core.facts import UpstreamState
from gateway.core.recovery.knowledge import Knowledge, Memory
from gateway.core.recovery.settings import LimiterSettings
from gateway.core.recovery.slow_start import SlowStart
from gateway.core.recovery.state import Sample
from gateway.core.window import Responses
from tests.core.feeding import DELIVERED, REFUSED, climb, feed, knee_at


def slow_start(
    *, good: int | None = None, window: int = 4, base: Responses | None = None
) -> SlowStart:
    known = Knowledge(LimiterSettings(), Memory(good_window=good), now=0.0)
    return SlowStart(known, window, now=0.0, base=base)


@pytest.mark.parametrize("workers", [4, 5, 10, 32, 50, 200])
def test_it_stops_between_the_knee_and_the_nearest_cliff(workers: int) -> None:
    windows, last = climb(slow_start(), knee_at(workers))
    assert last.to is UpstreamState.STEADY
    assert workers <= last.window <= max(1.3 * workers, workers + 1)
    assert max(windows) <= max(1.5 * workers, workers + 2)


def test_a_remembered_window_is_reached_in_large_steps_and_not_passed() -> None:
    windows, last = climb(slow_start(good=38), knee_at(32))
    assert windows == [4, 5, 6, 8, 10, 13, 17, 22, 29, 36]
    assert last.window <= 38
    cold, _ = climb(slow_start(), knee_at(32))
    assert len(windows) < len(cold)


def test_a_memory_that_misleads_is_dropped_before_the_cliff() -> None:
    windows, last = climb(slow_start(good=100), knee_at(12))
    assert max(windows) <= 1.5 * 12
    assert 12 <= last.window <= 16


def test_a_server_that_became_faster_while_it_was_measured_is_measured_again() -> None:
    state = slow_start()
    for _ in range(3):
        move, _ = feed(state, knee_at(20, seconds=1.0))
        assert move is not None
        state.moved(move.window, now=0.0)
    proven = state.window
    state.moved(proven + 2, now=0.0)
    move, _ = feed(state, knee_at(20, seconds=0.5))
    assert move is not None
    assert move.window < proven
    assert "begin again" in move.reason


def test_a_server_that_changed_meanwhile_is_left_to_steady_with_what_it_was_before() -> None:
    """So that steady looks deep at once: half of the workers may be gone."""
    base = Responses()
    for _ in range(200):
        base.add(0.2)
    move, _ = feed(slow_start(window=14, base=base), knee_at(5))
    assert move is not None
    assert (move.to, move.window, move.base) == (UpstreamState.STEADY, 14, base)


def test_out_of_steady_it_looks_once_more_before_it_climbs() -> None:
    base = Responses()
    for _ in range(200):
        base.add(0.2)
    queue, _ = feed(slow_start(window=14, base=base), knee_at(12))
    free, _ = feed(slow_start(window=14, base=base), knee_at(24))
    assert queue is not None
    assert free is not None
    assert (queue.to, queue.window) == (UpstreamState.STEADY, 14)
    assert queue.base is not None
    assert (free.to, free.window) == (None, 16)


def test_no_window_is_raised_while_the_load_does_not_fill_it() -> None:
    state = slow_start()
    for second in range(1000):
        assert (
            state.observe(Sample(DELIVERED, 0.2), full=False, running=0, now=float(second)) is None
        )
    assert state.window == 4


def test_a_fall_after_a_raise_is_our_doing_and_a_cliff() -> None:
    state = slow_start()
    state.moved(5, now=0.0)
    moves = [state.observe(Sample(REFUSED, 0.1), full=True, running=0, now=1.0) for _ in range(5)]
    assert moves[-1] is not None
    assert (moves[-1].to, moves[-1].cliff) == (UpstreamState.OPEN, 5)


def test_a_server_that_was_down_all_the_time_has_shown_no_cliff() -> None:
    state = slow_start()
    moves = [
        state.observe(Sample(REFUSED, 0.1, retry_after=9.0), full=True, running=0, now=1.0)
        for _ in range(5)
    ]
    assert moves[-1] is not None
    assert (moves[-1].to, moves[-1].cliff, moves[-1].wait) == (UpstreamState.OPEN, None, 9.0)


def test_after_signs_of_overload_it_begins_anew_at_a_smaller_window() -> None:
    state = slow_start(window=40)
    bad, good = Sample(REFUSED, 0.1), Sample(DELIVERED, 0.1)
    moves = [
        state.observe(one, full=True, running=0, now=1.0)
        for one in (bad, good, bad, good, bad, good)
    ]
    assert moves[-1] is not None
    assert (moves[-1].to, moves[-1].window) == (UpstreamState.SLOW_START, 28)
    assert moves[-1].backs_off


def test_more_growth_than_a_queue_explains_is_a_slower_server_and_no_reason_to_stop() -> None:
    """From 8 to 10 a queue adds a quarter at most; four times as long is another pace."""
    state = slow_start()
    while state.window < 10:
        move, now = feed(state, knee_at(10))
        assert move is not None
        state.moved(move.window, now=now)
    move, now = feed(state, knee_at(10, seconds=0.8))
    assert move is not None
    assert (move.to, move.window) == (None, 8)
    state.moved(move.window, now=now)
    windows, last = climb(state, knee_at(10, seconds=0.8), now=now)
    assert max(windows) <= 13
    assert 10 <= last.window <= 13


def test_chance_alone_seldom_stops_it_and_never_carries_it_over_the_cliff() -> None:
    rng, stops, tops = Random(5), [], []
    for _ in range(40):
        windows, last = climb(
            slow_start(), lambda window: knee_at(10)(window) * rng.lognormvariate(-0.04, 0.29)
        )
        stops.append(last.window)
        tops.append(max(windows))
    assert max(tops) <= 15
    assert sum(window >= 10 for window in stops) >= 36
