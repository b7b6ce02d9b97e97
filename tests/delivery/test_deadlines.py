"""One timer for all exchanges: each ends at its own time, and at no other."""

import asyncio

import pytest

from gateway.delivery.deadlines import Deadlines

SOON = 0.02


class Watched:
    """Deadlines, and what ran out of time, in order."""

    def __init__(self) -> None:
        self.over: list[str] = []
        self.deadlines = Deadlines[str](self.over.append)

    def add(self, one: str, seconds: float) -> None:
        self.deadlines.add(one, asyncio.get_running_loop().time() + seconds)

    @property
    def left(self) -> list[str]:
        return [one for one in "abc" if one in self.deadlines]


@pytest.fixture
def watched() -> Watched:
    return Watched()


async def test_each_is_over_at_its_own_time_whatever_the_order_in_which_they_began(
    watched: Watched,
) -> None:
    watched.add("c", 3 * SOON)
    watched.add("a", SOON)
    watched.add("b", 2 * SOON)
    await asyncio.sleep(1.5 * SOON)
    assert (watched.over, watched.left) == (["a"], ["b", "c"])
    await asyncio.sleep(3 * SOON)
    assert (watched.over, watched.left) == (["a", "b", "c"], [])


async def test_one_that_has_ended_is_not_over_later_and_does_not_take_the_others_timer(
    watched: Watched,
) -> None:
    watched.add("a", SOON)
    watched.add("b", 2 * SOON)
    watched.deadlines.discard("a")
    watched.deadlines.discard("a")
    await asyncio.sleep(1.5 * SOON)
    assert watched.over == []
    await asyncio.sleep(1.5 * SOON)
    assert watched.over == ["b"]


async def test_one_that_begins_after_the_timer_rang_for_nothing_is_over_in_time(
    watched: Watched,
) -> None:
    watched.add("a", SOON)
    watched.deadlines.discard("a")
    await asyncio.sleep(2 * SOON)
    watched.add("b", SOON)
    await asyncio.sleep(2 * SOON)
    assert watched.over == ["b"]


async def test_one_whose_time_is_over_already_ends_in_the_next_turn(watched: Watched) -> None:
    watched.add("a", -1.0)
    assert watched.over == []
    await asyncio.sleep(0.005)
    assert watched.over == ["a"]


async def test_once_stopped_nothing_is_over_any_more(watched: Watched) -> None:
    watched.add("a", SOON)
    watched.add("b", SOON)
    assert watched.deadlines.stop() == ("a", "b")
    await asyncio.sleep(2 * SOON)
    assert (watched.over, len(watched.deadlines)) == ([], 0)
