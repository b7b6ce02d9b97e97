"""Bad news, weighed: was it our load, and is it news?"""

import random

from gateway.core.facts import CliffLearned, Fact, UpstreamState, WindowChanged
from gateway.core.limiter import Limiter, LimiterSettings, Sample
from gateway.core.outcome import Outcome
from gateway.core.recovery.evidence import Background, Borne

GOOD = Sample(Outcome.DELIVERED, 0.5)
BAD = Sample(Outcome.NOT_SENT, 0.0)
LOST = Sample(Outcome.IN_DOUBT, 0.5)


def test_what_was_borne_three_times_is_no_reason_to_fall() -> None:
    borne = Borne(None)
    borne.now_at(8)
    for _ in range(2):
        borne.answered(began_as=8)
    assert borne.explains()
    borne.answered(began_as=8)
    assert not borne.explains()
    borne.now_at(9)
    assert borne.explains()


def test_after_a_fall_its_level_must_be_shown_again_so_the_second_one_there_is_believed() -> None:
    borne = Borne(8)
    borne.now_at(8)
    assert not borne.explains()
    borne.fell()
    borne.answered(began_as=7)
    assert borne.explains()


def test_one_of_ten_all_along_is_soon_no_news_and_two_in_a_row_always_are() -> None:
    background, rng = Background(), random.Random(1)
    for _ in range(300):
        background.is_usual(failed=rng.random() < 0.1)
    background.is_usual(failed=False)
    usual = [background.is_usual(failed=n % 10 == 0) for n in range(200)]
    assert sum(usual) >= 18
    background.is_usual(failed=True)
    assert not background.is_usual(failed=True)


def test_what_the_window_was_lowered_for_is_no_news_until_it_becomes_worse() -> None:
    background = Background()
    for n in range(30):
        background.is_usual(failed=n % 10 == 0)
    assert not background.is_usual(failed=True)
    background.backed_off()
    background.is_usual(failed=False)
    usual = [background.is_usual(failed=n % 10 == 9) for n in range(50)]
    assert sum(usual) == 5
    assert not any([background.is_usual(failed=n % 2 == 0) for n in range(20)][10:])


def test_failures_that_become_many_are_news() -> None:
    background = Background()
    for n in range(300):
        background.is_usual(failed=n % 10 == 0)
    usual = [background.is_usual(failed=n % 2 == 0) for n in range(20)]
    assert not any(usual[10:])


class Driven:
    """A limiter whose window is always full of attempts that end in the order they began."""

    def __init__(self) -> None:
        self.now = 0.0
        self.facts: list[Fact] = []
        self.limiter = Limiter(settings=LimiterSettings(), rng=random.Random(1), now=0.0)
        self._next = 0
        self._running: list[str] = []

    def turn(self, sample: Sample, *, waiting: int = 100) -> None:
        """Fill the window, then end the oldest so."""
        self.limiter.demand(waiting, now=self.now)
        for _ in range(self.limiter.free(now=self.now)):
            self._next += 1
            self._running.append(str(self._next))
            self.limiter.start(self._running[-1], now=self.now)
        if not self._running:
            self.now += 0.5
            return
        self.now += sample.duration / len(self._running)
        self.facts += self.limiter.finish(self._running.pop(0), sample, now=self.now)
        self.facts += self.limiter.tick(now=self.now)

    @property
    def is_open(self) -> bool:
        return self.limiter.state is UpstreamState.OPEN

    def cliffs(self) -> list[int]:
        return [fact.at for fact in self.facts if isinstance(fact, CliffLearned)]


def test_an_outage_in_slow_start_at_a_level_that_was_borne_teaches_no_cliff() -> None:
    driven = Driven()
    while driven.limiter.window < 10:
        driven.turn(GOOD)
    for _ in range(driven.limiter.window + 3):
        driven.turn(GOOD)
    assert driven.limiter.state is UpstreamState.SLOW_START
    while not driven.is_open:
        driven.turn(BAD)
    assert driven.cliffs() == []


def test_a_fall_right_after_a_raise_teaches_a_cliff() -> None:
    driven = Driven()
    while not any(isinstance(fact, WindowChanged) for fact in driven.facts):
        driven.turn(GOOD)
    raised = driven.limiter.window
    while not driven.is_open:
        driven.turn(BAD)
    assert driven.cliffs() == [raised]


def test_a_tenth_that_is_lost_whatever_the_window_does_not_hold_it_down() -> None:
    driven, rng = Driven(), random.Random(7)
    for _ in range(4000):
        driven.turn(LOST if rng.random() < 0.1 else GOOD)
    assert driven.limiter.window > 20
