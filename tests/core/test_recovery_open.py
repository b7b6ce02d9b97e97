"""Open and paused: the server is down, or nobody may ask it."""

from random import Random

import pytest

from gateway.core.facts import UpstreamState
from gateway.core.outcome import Outcome
from gateway.core.recovery.open import Open
from gateway.core.recovery.paused import Paused
from gateway.core.recovery.state import Sample
from tests.core.feeding import DELIVERED, REFUSED


def opened() -> Open:
    return Open(window=4, next_window=6, rng=Random(1), due=10.0)


def test_a_canary_waits_until_it_is_due() -> None:
    state = opened()
    assert (state.at_once(now=9.9), state.at_once(now=10.0), state.window) == (0, 1, 4)
    assert state.next_wakeup() == 10.0


@pytest.mark.parametrize(("failures", "longest"), [(1, 2.0), (2, 4.0), (3, 5.0), (30, 5.0)])
def test_the_wait_after_a_failure_grows_up_to_five_seconds(failures: int, longest: float) -> None:
    waits = []
    for seed in range(200):
        state = Open(window=4, next_window=4, rng=Random(seed), due=0.0)
        for _ in range(failures):
            state.observe(Sample(REFUSED, 0.1), full=True, running=0, now=100.0)
        due = state.next_wakeup()
        assert due is not None
        waits.append(due - 100.0)
    assert 0.5 <= min(waits) < 0.6
    assert 0.9 * longest < max(waits) <= longest


@pytest.mark.parametrize(("asked", "waited"), [(30.0, 30.0), (1e9, 300.0)])
def test_retry_after_is_honoured_within_reason(asked: float, waited: float) -> None:
    state = opened()
    state.observe(Sample(REFUSED, 0.1, retry_after=asked), full=True, running=0, now=100.0)
    assert state.next_wakeup() == 100.0 + waited


def test_canaries_that_are_cut_at_once_leave_no_more_ghosts_than_there_are_slots() -> None:
    for seed in range(50):
        state = Open(window=4, next_window=4, rng=Random(seed), due=0.0)
        now = 0.0
        ghosts: list[float] = []
        for _ in range(20):
            now = max(now, state.next_wakeup() or 0.0)
            ghosts = [until for until in ghosts if until > now + 1e-6]
            assert len(ghosts) < 4
            ended = now + 0.1
            ghosts.append(ended + 30.0)
            sample = Sample(Outcome.IN_DOUBT, 0.1, ghost_until=ghosts[-1])
            state.observe(sample, full=True, running=0, now=ended)
            now = ended + 0.1


def test_a_canary_that_timed_out_delays_the_next_no_further() -> None:
    state = opened()
    state.observe(Sample(Outcome.IN_DOUBT, 30.0, ghost_until=70.0), full=True, running=0, now=40.0)
    due = state.next_wakeup()
    assert due is not None
    assert 40.5 <= due <= 42.0


@pytest.mark.parametrize(
    ("slowest", "patience"), [(None, None), (0.2, 10.0), (2.5, 10.0), (6.0, 24.0)]
)
def test_a_canary_is_given_up_after_a_multiple_of_the_slowest_answer(
    slowest: float | None, patience: float | None
) -> None:
    assert opened().patience(slowest) == patience


def test_now_and_then_a_canary_is_not_given_up_as_the_server_may_have_become_slow() -> None:
    state, patient = opened(), []
    for failures in range(1, 200):
        state.observe(Sample(REFUSED, 0.1), full=True, running=0, now=20.0)
        if state.patience(0.2) is None:
            patient.append(failures)
    assert patient == [16, 32, 64, 128]


def test_three_answers_in_a_row_end_the_outage() -> None:
    state = opened()
    good, bad = Sample(DELIVERED, 0.1), Sample(REFUSED, 0.1)
    moves = [
        state.observe(one, full=True, running=0, now=20.0)
        for one in (good, good, bad, good, good, good)
    ]
    assert moves[:5] == [None] * 5
    assert moves[5] is not None
    assert (moves[5].to, moves[5].window) == (UpstreamState.SLOW_START, 6)
    assert repr(state) == "<Open: 1 canaries failed, 3 in a row answered>"


def test_after_an_answer_the_next_canary_is_due_at_once() -> None:
    state = opened()
    state.observe(Sample(DELIVERED, 0.1), full=True, running=0, now=20.0)
    assert state.at_once(now=20.0) == 1


def test_nothing_starts_while_paused_and_nothing_is_learned() -> None:
    state = Paused("certificate expired", until=7.0)
    assert (state.window, state.at_once(now=8.0), state.next_wakeup()) == (0, 0, 7.0)
    assert state.observe(Sample(REFUSED, 0.1), full=True, running=0, now=1.0) is None
    assert repr(state) == "<Paused: certificate expired>"
