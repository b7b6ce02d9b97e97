"""A drop of response times is told soon, and seldom where there is none."""

from random import Random

from gateway.core.recovery.drop import Drop
from gateway.core.window import Responses


def responses(seconds: float, count: int, rng: Random) -> Responses:
    found = Responses()
    for _ in range(count):
        found.add(seconds * rng.lognormvariate(-0.045, 0.3))
    return found


def told_after(drop: Drop, seconds: float, rng: Random, *, most: int) -> int | None:
    for count in range(1, most + 1):
        if drop.add(seconds * rng.lognormvariate(-0.045, 0.3)):
            return count
    return None


def test_a_drop_to_a_quarter_is_told_within_a_handful_and_tells_the_server_as_it_is_now() -> None:
    rng = Random(1)
    drop = Drop(responses(1.0, 100, rng))
    assert told_after(drop, 1.0, rng, most=200) is None
    count = told_after(drop, 0.25, rng, most=20)
    assert count is not None
    assert count <= 10
    assert 0.2 < drop.since.mean < 0.35


def test_the_end_of_a_queue_of_a_sixth_is_told_within_some_turns() -> None:
    counts = []
    for seed in range(20):
        rng = Random(seed)
        counts.append(told_after(Drop(responses(1.17, 200, rng)), 1.0, rng, most=500))
    assert None not in counts
    assert sorted(count or 0 for count in counts)[10] < 150


def test_chance_seldom_tells_one() -> None:
    told = 0
    for seed in range(50):
        rng = Random(seed)
        told += told_after(Drop(responses(1.0, 200, rng)), 1.0, rng, most=500) is not None
    assert told <= 1


def test_longer_responses_are_no_drop_and_are_forgotten() -> None:
    rng = Random(3)
    drop = Drop(responses(1.0, 100, rng))
    assert told_after(drop, 3.0, rng, most=300) is None
    assert drop.since.count == 0
    assert (told_after(drop, 0.25, rng, most=20) or 99) <= 10


def test_with_little_to_compare_with_it_tells_nothing() -> None:
    rng = Random(4)
    assert told_after(Drop(responses(1.0, 29, rng)), 0.1, rng, most=100) is None
    assert told_after(Drop(Responses()), 0.1, rng, most=100) is None


def test_a_suspicion_stays_until_the_answers_speak_against_it() -> None:
    drop = Drop(responses(1.0, 100, Random(5)))
    seen = [drop.suspected]
    for seconds in (0.8, 1.2):
        drop.add(seconds)
        seen.append(drop.suspected)
    assert seen == [False, True, False]
