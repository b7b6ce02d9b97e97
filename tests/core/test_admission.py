"""What to do with an enrollment at the door."""

from dataclasses import replace

import pytest

from gateway.core.admission import AcceptNow, Hold, Outlook, admit, poll_after
from gateway.core.facts import UpstreamState

STEADY = Outlook(
    state=UpstreamState.STEADY, window=20, outstanding=5, waiting=0, live_waiting=0, rate=10.0
)


def test_a_station_is_held_while_the_server_answers() -> None:
    assert admit(STEADY, hold_seconds=10.0, respond_async=False) == Hold(10.0)


@pytest.mark.parametrize("state", [UpstreamState.OPEN, UpstreamState.PAUSED])
def test_a_server_known_to_be_down_gives_a_receipt_at_once(state: UpstreamState) -> None:
    down = replace(STEADY, state=state)
    assert isinstance(admit(down, hold_seconds=10.0, respond_async=False), AcceptNow)


def test_a_station_that_prefers_a_receipt_gets_it() -> None:
    assert isinstance(admit(STEADY, hold_seconds=10.0, respond_async=True), AcceptNow)
    assert isinstance(admit(STEADY, hold_seconds=0.0, respond_async=False), AcceptNow)


def test_nobody_is_held_behind_more_live_ones_than_can_be_answered_in_time() -> None:
    crowded = replace(STEADY, waiting=500, live_waiting=101)
    assert isinstance(admit(crowded, hold_seconds=10.0, respond_async=False), AcceptNow)
    assert admit(replace(crowded, live_waiting=99), hold_seconds=10.0, respond_async=False) == Hold(
        10.0
    )


@pytest.mark.parametrize(
    ("outlook", "seconds"),
    [
        (STEADY, 1),
        (replace(STEADY, waiting=95), 10),
        (replace(STEADY, waiting=1_000_000), 30),
        (replace(STEADY, state=UpstreamState.OPEN, waiting=9), 5),
        (replace(STEADY, state=UpstreamState.OPEN, waiting=9, next_canary_in=2.2), 3),
    ],
)
def test_the_advice_when_to_look_again_is_honest_and_bounded(
    outlook: Outlook, seconds: int
) -> None:
    assert poll_after(outlook) == seconds


def test_an_estimate_is_given_only_where_something_is_known() -> None:
    assert replace(STEADY, waiting=50).drain_seconds == 5.0
    assert replace(STEADY, waiting=50, rate=0.0).drain_seconds is None
    assert replace(STEADY, waiting=50, state=UpstreamState.OPEN).drain_seconds is None
    assert replace(STEADY, rate=0.0).drain_seconds == 0.0
