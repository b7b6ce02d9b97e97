"""Oldest first, counted: against small histories done by hand, and against counting every pair."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.evidence import Case, Evidence
from loadtests.measures import measure
from loadtests.order import Order, order
from tests.loadtests.honest import honest


def delivery(
    number: int,
    promised: float,
    gone: float,
    *,
    key: str | None = None,
    priority: int = 3,
    station: str = "s",
) -> Case:
    """Sent half a second before its promise, received at `gone`, recorded a second later."""
    return Case(
        f"k{number}",
        station,
        key,
        "0",
        1,
        promised - 0.5,
        promised - 0.5,
        promised_at=promised,
        received_at=gone,
        recorded_at=gone + 1,
        effects=1,
        priority=priority,
    )


def deliveries(*gone: float) -> list[Case]:
    """Promised at 1, 2, 3 s and so on; the server got each as given."""
    return [delivery(number, number, at) for number, at in enumerate(gone, start=1)]


def test_oldest_first_overtakes_nobody() -> None:
    assert order(deliveries(10, 11, 12, 13), at_once=1) == Order(4, 0, 0, 0)


def test_newest_first_overtakes_all_but_the_newest() -> None:
    """The oldest is passed by three, the next by two, then by one: more than one at once: two."""
    assert order(deliveries(13, 12, 11, 10), at_once=1) == Order(4, 3, 2, 3)


def test_between_two_that_were_on_the_way_together_no_order_was_agreed() -> None:
    cases = [delivery(1, 1.0, 11), delivery(2, 1.4, 10)]
    assert order(cases, at_once=0) == Order(2, 0, 0, 0)


def test_a_live_one_is_counted_on_neither_side() -> None:
    """The second was received before its promise: its station waited for the server's answer."""
    live = delivery(2, 20.0, 9.0)
    assert order([delivery(1, 1.0, 10), live, delivery(3, 12.0, 30)], at_once=0) == Order(
        2, 0, 0, 0
    )


def test_what_was_never_recorded_or_never_promised_is_left_out() -> None:
    lost, silent = delivery(1, 1.0, 11), delivery(2, 2.0, 10)
    lost.received_at, silent.promised_at = None, None
    assert order([lost, silent], at_once=0) == Order(0, 0, 0, 0)


def test_another_priority_overtakes_nobody() -> None:
    cases = [delivery(1, 1.0, 11), delivery(2, 2.0, 10, priority=0)]
    assert order(cases, at_once=0) == Order(2, 0, 0, 0)


def test_one_held_back_by_its_ordering_key_is_passed_only_from_when_it_could_go() -> None:
    """Its forerunner goes at 10 and is recorded at 11: only what goes after that overtakes it."""
    first, second = delivery(1, 1.0, 10, key="o"), delivery(2, 2.0, 13, key="o")
    assert order([first, second, delivery(3, 3.0, 10.5)], at_once=0).overtaken == 0
    assert order([first, second, delivery(3, 3.0, 12.0)], at_once=0).overtaken == 1


@pytest.mark.parametrize(("key", "station"), [("o", "another"), ("p", "s")])
def test_another_ordering_key_holds_nothing_back(key: str, station: str) -> None:
    """Keys are each station's own: the one that goes at 10 is no forerunner."""
    other, held = delivery(1, 1.0, 10, key=key, station=station), delivery(2, 2.0, 13, key="o")
    assert order([other, held, delivery(3, 3.0, 10.5)], at_once=0).overtaken == 1


def test_a_run_says_how_many_were_passed_and_how_many_by_more_than_were_at_the_server() -> None:
    """Newest first: passed by three, by two, by one and by none; two were ever out at once."""
    cases = {case.key: case for case in deliveries(13, 12, 11, 10)}
    evidence = Evidence(cases=cases, max_outstanding=2)
    measures = measure(evidence, [], within=1.0)
    assert measures["backlog_deliveries"] == 4
    assert measures["overtaken_share"] == 3 / 4
    assert measures["order_inversions_share"] == 1 / 4
    assert measures["overtaken_most"] == 3


def test_a_run_tells_its_order_in_its_verdict() -> None:
    """Who came while the server was down, and until its queue was gone, was a backlog."""
    measures = honest().judge().measures
    assert measures["backlog_deliveries"] == 14
    assert measures["overtaken_share"] == measures["order_inversions_share"] == 0
    assert measures["overtaken_most"] == 0
    assert honest(outage=False).judge().measures["order_inversions_share"] is None


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.booleans()), max_size=25))
def test_it_counts_what_counting_every_pair_counts(
    drawn: Sequence[tuple[int, int, bool]],
) -> None:
    turns = [
        (float(came), float(came + waits), "o" if ordered else None)
        for came, waits, ordered in drawn
    ]
    cases = [delivery(i, came, gone, key=key) for i, (came, gone, key) in enumerate(turns)]
    in_line = sorted((gone, f"k{i}") for i, (_, gone, key) in enumerate(turns) if key)
    free = {later: before + 1 for (before, _), (_, later) in pairwise(in_line)}
    backlog = [
        (came, max(came, free.get(f"k{i}", came)), gone)
        for i, (came, gone, _) in enumerate(turns)
        if came < gone
    ]
    passed = [
        sum(later - 0.5 > came and ready <= went < gone for later, _, went in backlog)
        for came, ready, gone in backlog
    ]
    assert order(cases, at_once=2) == Order(
        len(passed),
        sum(count > 0 for count in passed),
        sum(count > 2 for count in passed),
        max(passed, default=0),
    )
