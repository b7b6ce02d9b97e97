"""The one table of an enrollment's life."""

import itertools

import pytest

from gateway.core.lifecycle import (
    FINAL,
    TABLE,
    Event,
    IllegalTransitionError,
    Status,
    sources,
    step,
)

LIVES = [
    ([Event.ATTEMPT_BEGAN, Event.DELIVERED], Status.DELIVERED),
    ([Event.ATTEMPT_BEGAN, Event.REJECTED], Status.REJECTED),
    ([Event.ATTEMPT_BEGAN, Event.RETRY_LATER], Status.PENDING),
    ([Event.ATTEMPT_BEGAN, Event.DOUBTED, Event.ATTEMPT_BEGAN, Event.DELIVERED], Status.DELIVERED),
    ([Event.ATTEMPT_BEGAN, Event.CRASHED, Event.FOUND_BY_LOOKUP], Status.DELIVERED),
    ([Event.ATTEMPT_BEGAN, Event.DOUBTED, Event.DOUBTED, Event.GAVE_UP], Status.DEAD_LETTER),
    ([Event.GAVE_UP, Event.REQUEUED, Event.CANCELLED], Status.CANCELLED),
]


@pytest.mark.parametrize(("events", "end"), LIVES)
def test_a_life_follows_the_table(events: list[Event], end: Status) -> None:
    status = Status.PENDING
    for event in events:
        status = step(status, event)
    assert status is end


@pytest.mark.parametrize("status", sorted(FINAL))
@pytest.mark.parametrize("event", list(Event))
def test_nothing_leads_out_of_a_final_status(status: Status, event: Event) -> None:
    with pytest.raises(IllegalTransitionError, match="nothing was changed"):
        step(status, event)


def test_every_move_that_is_not_in_the_table_is_refused() -> None:
    for move in itertools.product(Status, Event):
        if move not in TABLE:
            with pytest.raises(IllegalTransitionError):
                step(*move)


def test_sending_is_entered_only_by_an_attempts_intent() -> None:
    entering = {event for (_, event), after in TABLE.items() if after is Status.SENDING}
    assert entering == {Event.ATTEMPT_BEGAN}


def test_a_doubt_never_turns_back_into_pending() -> None:
    after_doubt = {after for (before, _), after in TABLE.items() if before is Status.IN_DOUBT}
    assert Status.PENDING not in after_doubt


def test_an_event_knows_where_it_may_happen() -> None:
    assert sources(Event.ATTEMPT_BEGAN) == {Status.PENDING, Status.IN_DOUBT}
    assert sources(Event.REQUEUED) == {Status.DEAD_LETTER}
