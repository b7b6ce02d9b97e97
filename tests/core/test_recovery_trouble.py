"""When the server is in trouble, by outcomes alone."""

import pytest

from gateway.core.outcome import Outcome
from gateway.core.recovery.state import Sample
from gateway.core.recovery.trouble import Trouble, Watch

GOOD, BAD = Sample(Outcome.DELIVERED, 0.2), Sample(Outcome.REFUSED, 0.1)


def outcomes(text: str) -> list[Trouble]:
    """Each ``x`` is a failure, each ``.`` an answer."""
    watch = Watch()
    return [watch.observe(BAD if mark == "x" else GOOD, running=0, now=0.0) for mark in text]


def doubt(watch: Watch, *, began: float, ended: float) -> Trouble:
    """An attempt ends in doubt; its ghost stays for thirty seconds."""
    return watch.observe(
        Sample(Outcome.IN_DOUBT, ended - began, ghost_until=ended + 30.0), running=0, now=ended
    )


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("xxxx", Trouble.NONE),
        ("xxxxx", Trouble.TRIP),
        ("....................xxxxx", Trouble.TRIP),
        (".x.x.x.x.x", Trouble.TRIP),
        ("x.x.x", Trouble.NONE),
        ("x.x.x.", Trouble.OVERLOAD),
        ("x.x." + 40 * ".", Trouble.NONE),
        ("x.x.x" + 60 * ".", Trouble.NONE),
    ],
)
def test_the_last_outcome_tells(text: str, last: Trouble) -> None:
    assert outcomes(text)[-1] is last


def test_a_rare_failure_among_many_answers_is_no_sign() -> None:
    assert set(outcomes(20 * (50 * "." + "x"))) == {Trouble.NONE}


def test_signs_are_counted_per_measurement() -> None:
    watch = Watch()
    for sample in (BAD, GOOD, BAD, GOOD):
        watch.observe(sample, running=0, now=0.0)
    watch.begin_measurement()
    assert [watch.observe(sample, running=0, now=0.0) for sample in (BAD, GOOD)] == [
        Trouble.NONE
    ] * 2


def test_two_that_time_out_while_nothing_is_answered_are_silence() -> None:
    watch = Watch()
    watch.observe(GOOD, running=0, now=1.0)
    assert doubt(watch, began=1.0, ended=31.0) is Trouble.NONE
    assert doubt(watch, began=1.2, ended=31.2) is Trouble.TRIP


def test_an_answer_in_between_is_no_silence() -> None:
    watch = Watch()
    doubt(watch, began=1.0, ended=31.0)
    watch.observe(GOOD, running=0, now=31.1)
    assert doubt(watch, began=1.2, ended=31.2) is Trouble.NONE
    watch.observe(GOOD, running=0, now=31.3)
    doubt(watch, began=31.3, ended=31.4)
    assert doubt(watch, began=31.3, ended=31.5) is Trouble.NONE


def test_answers_that_get_lost_soon_are_no_silence() -> None:
    watch = Watch()
    assert doubt(watch, began=1.0, ended=1.2) is Trouble.NONE
    assert doubt(watch, began=1.1, ended=1.3) is Trouble.NONE


def test_refusals_soon_are_no_silence() -> None:
    watch = Watch()
    doubt(watch, began=1.0, ended=31.0)
    assert watch.observe(BAD, running=0, now=31.2) is Trouble.NONE


def test_refused_ones_of_many_that_began_together_end_first_and_are_no_trip() -> None:
    watch = Watch()
    refused = [watch.observe(BAD, running=77 - ended, now=0.0) for ended in range(8)]
    answered = [watch.observe(GOOD, running=69, now=0.2) for _ in range(70)]
    assert set(refused) == {Trouble.NONE}
    assert Trouble.TRIP not in answered


def test_a_few_refused_among_many_that_still_run_are_no_overload() -> None:
    watch = Watch()
    ended = [watch.observe(one, running=97, now=0.0) for one in (BAD, BAD, BAD, GOOD)]
    assert set(ended) == {Trouble.NONE}
    assert watch.observe(GOOD, running=20, now=0.0) is Trouble.OVERLOAD


def test_half_of_as_many_as_run_is_a_trip() -> None:
    watch = Watch()
    ended = [watch.observe(GOOD if n % 2 else BAD, running=40, now=0.0) for n in range(41)]
    assert ended.index(Trouble.TRIP) == 40


def test_many_that_all_fail_are_a_trip() -> None:
    watch = Watch()
    assert [watch.observe(BAD, running=40, now=0.0) for _ in range(20)][-1] is Trouble.TRIP
