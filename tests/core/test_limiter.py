"""Slots, ghosts and the way through the states."""

import json
from dataclasses import asdict
from random import Random

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.core.facts import CliffLearned, UpstreamState, UpstreamStateChanged, WindowChanged
from gateway.core.limiter import Limiter, LimiterSettings, Memory, Sample
from gateway.core.outcome import Outcome

GOOD = Sample(Outcome.DELIVERED, 0.2)
BAD = Sample(Outcome.REFUSED, 0.1)


def limiter(memory: Memory | None = None) -> Limiter:
    """With four slots at first, to count on the fingers."""
    settings = LimiterSettings(initial_window=4)
    made = Limiter(settings=settings, rng=Random(1), now=0.0, memory=memory)
    made.demand(1000, now=0.0)
    return made


def attempt(one: Limiter, sample: Sample, *, now: float) -> tuple[object, ...]:
    one.start("a", now=now)
    return one.finish("a", sample, now=now)


def trip(one: Limiter, *, now: float = 1.0, failures: int = 5) -> list[object]:
    return [fact for _ in range(failures) for fact in attempt(one, BAD, now=now)]


def lose(one: Limiter, count: int, *, at: float) -> None:
    """So many attempts are cut at once; their ghosts stay for thirty seconds."""
    for number in range(count):
        one.start(str(number), now=at)
    for number in range(count):
        one.finish(str(number), Sample(Outcome.IN_DOUBT, 0.1, ghost_until=at + 30.0), now=at)


def test_a_cold_start_serves_a_handful_at_once() -> None:
    one = limiter()
    assert (one.state, one.window, one.free(now=0.0)) == (UpstreamState.SLOW_START, 4, 4)


def test_a_slot_is_taken_and_given_back() -> None:
    one = limiter()
    one.start("a", now=0.0)
    assert (one.free(now=0.0), one.outstanding) == (3, 1)
    one.finish("a", GOOD, now=0.2)
    assert (one.free(now=0.2), one.outstanding) == (4, 0)


def test_a_withdrawn_attempt_teaches_nothing() -> None:
    one = limiter()
    for _ in range(20):
        one.start("a", now=0.0)
        one.withdraw("a", now=0.0)
    assert (one.state, one.free(now=0.0)) == (UpstreamState.SLOW_START, 4)


def test_nothing_starts_without_a_slot_or_twice() -> None:
    one = limiter()
    for name in "abcd":
        one.start(name, now=0.0)
    with pytest.raises(ValueError, match="attempt a runs already"):
        one.start("a", now=0.0)
    with pytest.raises(RuntimeError, match="ask free"):
        one.start("e", now=0.0)
    assert one.outstanding == 4


def test_a_ghost_holds_its_slot_until_its_time_is_over() -> None:
    one = limiter()
    one.start("a", now=0.0)
    one.finish("a", Sample(Outcome.IN_DOUBT, 30.0, ghost_until=60.0), now=30.0)
    assert (one.free(now=30.0), one.ghosts, one.next_wakeup()) == (3, 1, 60.0)
    assert (one.free(now=60.0), one.ghosts, one.next_wakeup()) == (4, 0, None)


def test_refusals_that_overtake_the_answers_of_a_wide_window_are_no_outage() -> None:
    one = Limiter(settings=LimiterSettings(initial_window=80), rng=Random(1), now=0.0)
    one.demand(1000, now=0.0)
    for number in range(80):
        one.start(str(number), now=0.0)
    for number in range(8):
        assert one.finish(str(number), BAD, now=0.01) == ()
    one.finish("8", GOOD, now=0.2)
    assert one.state is UpstreamState.SLOW_START


def test_a_server_that_stops_answering_gets_one_canary_at_a_time() -> None:
    one = limiter()
    facts = trip(one)
    assert [type(fact) for fact in facts] == [UpstreamStateChanged]
    assert one.free(now=1.0) == 0
    due = one.next_wakeup()
    assert due is not None
    assert one.free(now=due) == 1
    one.start("canary", now=due)
    assert one.free(now=due + 100) == 0
    assert one.next_wakeup() is None


def test_a_canary_goes_beside_a_few_ghosts() -> None:
    one = limiter()
    lose(one, 3, at=1.0)
    trip(one, failures=2)
    assert (one.state, one.window, one.ghosts) == (UpstreamState.OPEN, 4, 3)
    assert (one.free(now=1.0), one.free(now=5.0)) == (0, 1)
    one.start("canary", now=5.0)
    assert one.free(now=20.0) == 0


def test_a_canary_waits_while_ghosts_of_the_outage_fill_the_window() -> None:
    one = limiter()
    lose(one, 4, at=1.0)
    one.pause("operator", now=2.0)
    one.resume(now=3.0)
    assert (one.free(now=30.0), one.next_wakeup(), one.free(now=31.0)) == (0, 31.0, 1)


def test_a_canary_waits_for_what_began_before_the_outage() -> None:
    one = limiter()
    one.start("early", now=0.0)
    trip(one)
    assert one.free(now=20.0) == 0
    one.finish("early", GOOD, now=20.0)
    assert one.free(now=20.0) == 1


def test_a_cut_canary_does_not_hold_back_the_next_for_a_whole_timeout() -> None:
    one = limiter()
    trip(one)
    one.start("canary", now=20.0)
    one.finish("canary", Sample(Outcome.IN_DOUBT, 0.1, ghost_until=50.1), now=20.1)
    due = one.next_wakeup()
    assert due is not None
    assert due < 28.0
    assert (one.free(now=due), one.ghosts) == (1, 1)


def test_only_canaries_are_given_up_and_by_the_answers_of_before() -> None:
    one = limiter()
    attempt(one, Sample(Outcome.DELIVERED, 4.0), now=1.0)
    assert one.patience is None
    trip(one, now=2.0)
    assert one.patience == 16.0


def test_without_an_answer_of_before_no_canary_is_given_up() -> None:
    one = limiter()
    trip(one)
    assert one.patience is None


def test_a_server_that_hangs_is_noticed_by_the_first_that_time_out() -> None:
    one = limiter()
    for name in "abcd":
        one.start(name, now=0.0)
    for name, at in zip("ab", (30.0, 30.1), strict=True):
        one.finish(name, Sample(Outcome.IN_DOUBT, at, ghost_until=at + 30.0), now=at)
    assert one.state is UpstreamState.OPEN


def test_one_enrollment_that_times_out_again_and_again_does_not_open() -> None:
    one = limiter()
    for now in (30.0, 100.0, 200.0, 300.0):
        one.start("a", now=now)
        one.finish("a", Sample(Outcome.IN_DOUBT, 30.0, ghost_until=now + 60.0), now=now + 30.0)
    assert one.state is UpstreamState.SLOW_START


def test_a_remembered_window_is_begun_with_a_third_of_it() -> None:
    assert limiter(Memory(good_window=60)).window == 20
    assert limiter(Memory(good_window=60, cliff=12)).window == 10


def test_what_began_before_the_outage_says_nothing_about_its_end() -> None:
    one = limiter()
    for name in "bcd":
        one.start(name, now=0.0)
    trip(one)
    assert [one.finish(name, GOOD, now=9.0) for name in "bcd"] == [(), (), ()]
    assert one.state is UpstreamState.OPEN


def test_three_canaries_lead_back_to_slow_start() -> None:
    one = limiter()
    trip(one)
    for _ in range(3):
        attempt(one, GOOD, now=20.0)
    assert (one.state, one.window) == (UpstreamState.SLOW_START, 4)


def test_an_outage_before_any_raise_teaches_no_cliff() -> None:
    one = limiter()
    assert not any(isinstance(fact, CliffLearned) for fact in trip(one))
    assert one.memory() == Memory()


def test_a_pause_stops_all_and_its_end_begins_with_a_canary() -> None:
    one = limiter()
    one.pause("operator", now=0.0)
    assert (one.free(now=1e9), one.next_wakeup()) == (0, None)
    one.resume(now=5.0)
    assert (one.state, one.free(now=5.0)) == (UpstreamState.OPEN, 1)


def test_a_pause_with_an_end_ends_by_itself() -> None:
    one = limiter()
    one.pause("tls", now=0.0, probe_after=30.0)
    assert (one.tick(now=29.0), one.next_wakeup()) == ((), 30.0)
    one.tick(now=30.0)
    assert one.state is UpstreamState.OPEN


def test_an_operators_pause_is_not_ended_by_a_later_fault() -> None:
    one = limiter()
    one.pause("operator", now=0.0)
    assert one.pause("tls", now=1.0, probe_after=30.0) == ()
    one.tick(now=100.0)
    assert one.state is UpstreamState.PAUSED


def test_an_operator_can_make_a_pause_lasting() -> None:
    one = limiter()
    one.pause("tls", now=0.0, probe_after=30.0)
    one.pause("operator", now=1.0)
    one.tick(now=100.0)
    assert one.state is UpstreamState.PAUSED


def test_what_is_remembered_passes_through_json() -> None:
    memory = Memory(good_window=40, cliff=60, cliff_age=120.0, cliff_hold=600.0)
    assert Memory(**json.loads(json.dumps(asdict(memory)))) == memory
    assert limiter(memory).memory() == memory


def test_its_repr_tells_the_state() -> None:
    one = limiter()
    one.start("a", now=0.0)
    assert repr(one) == (
        "<Limiter slow_start: 1 outstanding and 0 ghosts of 4, "
        "<SlowStart <Measurement at 4: 0 counted>, base of 0>>"
    )


class Slots(RuleBasedStateMachine):
    """Whatever happens, nothing starts beyond the window, and only one canary while open."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.count = 0
        self.running: list[str] = []
        self.limiter = Limiter(settings=LimiterSettings(), rng=Random(3), now=0.0)

    @rule(waiting=st.integers(0, 3))
    def load(self, waiting: int) -> None:
        self.limiter.demand(waiting, now=self.now)

    @rule(seconds=st.floats(0.0, 40.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.limiter.tick(now=self.now)

    @rule()
    def start_all(self) -> None:
        for _ in range(self.limiter.free(now=self.now)):
            self.count += 1
            self.running.append(str(self.count))
            self.limiter.start(self.running[-1], now=self.now)
            assert self.limiter.outstanding + self.limiter.ghosts <= self.limiter.window
            assert self.limiter.outstanding == 1 or self.limiter.state is not UpstreamState.OPEN

    @precondition(lambda self: self.running)
    @rule(
        times=st.integers(1, 60),
        outcome=st.sampled_from(list(Outcome)),
        ghost=st.sampled_from([None, 30.0]),
    )
    def turns(self, times: int, outcome: Outcome, ghost: float | None) -> None:
        for _ in range(times):
            if not self.running:
                return
            until = None if ghost is None or outcome is not Outcome.IN_DOUBT else self.now + ghost
            before = self.limiter.window
            facts = self.limiter.finish(
                self.running.pop(0), Sample(outcome, 0.2, ghost_until=until), now=self.now
            )
            changed = [fact for fact in facts if isinstance(fact, WindowChanged)]
            assert (self.limiter.window != before) == bool(changed)
            self.start_all()

    @rule(probe_after=st.sampled_from([None, 10.0]))
    def pause(self, probe_after: float | None) -> None:
        self.limiter.pause("test", now=self.now, probe_after=probe_after)

    @rule()
    def resume(self) -> None:
        self.limiter.resume(now=self.now)

    @invariant()
    def slots_add_up(self) -> None:
        assert self.limiter.outstanding == len(self.running)
        assert 0 <= self.limiter.window <= 256

    @invariant()
    def the_next_wakeup_is_ahead(self) -> None:
        self.limiter.tick(now=self.now)
        wakeup = self.limiter.next_wakeup()
        assert wakeup is None or wakeup > self.now


TestSlots = Slots.TestCase
TestSlots.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
