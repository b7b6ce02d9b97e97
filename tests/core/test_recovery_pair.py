"""What responses at two windows tell of the knee, and of a server that changed."""

import math

import pytest

from gateway.core.recovery.pair import Pair, Server
from gateway.core.window import Responses, Spread

EVEN = Spread(0.0025, 0.0025)


def responses(seconds: float, count: int = 100) -> Responses:
    made = Responses()
    for _ in range(count):
        made.add(seconds)
    return made


def measured(high: float, low: float, window: int = 60) -> Pair:
    pair = Pair(window)
    assert pair.add_high(responses(high), EVEN) is Server.SAME
    assert pair.add_low(responses(low), EVEN) is Server.SAME
    return pair


def test_the_growth_is_how_far_the_window_is_above_the_knee() -> None:
    found = measured(0.24, 0.2).compare(EVEN)
    assert found is not None
    assert found.means.ratio == pytest.approx(1.2)
    assert found.logs.ratio == pytest.approx(1.2)


def test_one_window_alone_tells_nothing() -> None:
    pair = Pair(60)
    pair.add_high(responses(0.2), EVEN)
    assert pair.compare(EVEN) is None


@pytest.mark.parametrize("low", [0.16, 0.26])
def test_what_fits_no_knee_tells_that_the_server_changed(low: float) -> None:
    pair = Pair(60)
    pair.add_high(responses(0.22), EVEN)
    assert pair.add_low(responses(low), EVEN) is Server.CHANGED
    assert pair.compare(EVEN) is None


@pytest.mark.parametrize(
    ("then", "seems"),
    [(0.2, Server.SAME), (0.19, Server.FASTER), (0.17, Server.FASTER), (0.23, Server.CHANGED)],
)
def test_responses_at_the_same_window_tell_whether_the_server_is_what_it_was(
    then: float, seems: Server
) -> None:
    pair = measured(0.2, 0.18)
    assert pair.add_high(responses(then), EVEN) is seems


@pytest.mark.parametrize(("slower", "low"), [(1.18, 48), (1.4, 34), (2.0, 30), (5.0, 30)])
def test_the_slower_the_server_became_the_deeper_is_the_next_look(slower: float, low: int) -> None:
    pair = measured(0.2, 0.18)
    assert pair.add_high(responses(0.2 * math.sqrt(slower)), EVEN) is Server.CHANGED
    pair.add_high(responses(0.2 * slower), EVEN)
    assert pair.low_window == low


def test_once_settled_it_looks_no_deeper_than_usual() -> None:
    pair = Pair(60, before=responses(0.1))
    pair.add_high(responses(0.2), EVEN)
    assert pair.low_window == 30
    pair.add_low(responses(0.17), EVEN)
    pair.settle()
    assert (pair.low_window, pair.low.count) == (48, 0)


def test_the_wider_the_two_are_apart_the_less_needs_to_be_measured() -> None:
    deep = Pair(60, before=responses(0.1))
    deep.add_high(responses(0.2), EVEN)
    assert Pair(60).effort == pytest.approx(1.0)
    assert deep.effort == pytest.approx(0.104, abs=0.001)


def test_its_repr_tells_what_it_holds() -> None:
    assert repr(measured(0.24, 0.2)) == "<Pair 48, 60: 100 and 100>"
