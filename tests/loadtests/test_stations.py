"""What a desk does with an answer."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.stations import (
    BACKOFF_CAP_SECONDS,
    KECAMATAN,
    LONGEST_RETRY_AFTER_SECONDS,
    PRESS_SECONDS,
    Answer,
    Done,
    Follow,
    SendAgain,
    careful,
    follow,
    impatient,
    of_desk,
    presses_enter,
    station_names,
)

LOCATION = "/_gateway/receipts/0197"
answers = st.builds(
    Answer,
    status=st.sampled_from([0, 200, 201, 202, 302, 400, 404, 408, 422, 429, 500, 502, 503, 504]),
    retry_after=st.none() | st.floats(-10, 1e9),
    location=st.none() | st.just(LOCATION),
)


def _rng() -> random.Random:
    return random.Random(1)


def test_there_are_29_kecamatan_and_every_desk_has_its_own_name() -> None:
    assert len(KECAMATAN) == 29
    assert len(set(station_names(2))) == 58
    assert station_names(1)[11] == "36.03.12-1"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(201), "delivered"),
        (Answer(204, replayed=True), "delivered"),
        (Answer(400), "rejected"),
        (Answer(422), "rejected"),
        (Answer(302), "rejected"),
    ],
)
def test_a_careful_desk_lets_go_only_after_a_final_answer(answer: Answer, told: str) -> None:
    decision = careful(answer, 1, 0.1, _rng())
    assert isinstance(decision, Done)
    assert decision.told == told


@pytest.mark.parametrize(
    ("status", "told"),
    [(0, "failed"), (408, "failed"), (500, "failed"), (504, "failed"), (429, "refused")],
)
def test_a_careful_desk_sends_again_when_nothing_was_promised(status: int, told: str) -> None:
    decision = careful(Answer(status), 1, 0.1, _rng())
    assert isinstance(decision, SendAgain)
    assert decision.told == told


def test_a_careful_desk_follows_the_receipt_of_a_202() -> None:
    decision = careful(Answer(202, location=LOCATION, retry_after=7), 1, 0.1, _rng())
    assert decision == Follow("accepted", LOCATION, 7)


def test_a_desk_looks_at_its_receipt_every_quarter_of_a_minute_at_least() -> None:
    decision = careful(Answer(202, location=LOCATION, retry_after=3600), 1, 0.1, _rng())
    assert decision == Follow("accepted", LOCATION, 15)


def test_a_202_without_a_receipt_is_no_promise() -> None:
    assert isinstance(careful(Answer(202), 1, 0.1, _rng()), SendAgain)


@given(answer=answers, attempt=st.integers(1, 10_000), seed=st.integers(0, 1000))
def test_a_careful_desk_waits_as_asked_within_bounds(
    answer: Answer, attempt: int, seed: int
) -> None:
    decision = careful(answer, attempt, 0.1, random.Random(seed))
    if isinstance(decision, SendAgain):
        asked = min(max(answer.retry_after or 0, 0), LONGEST_RETRY_AFTER_SECONDS)
        assert asked <= decision.seconds <= asked + BACKOFF_CAP_SECONDS


def test_backing_off_grows_and_is_jittered() -> None:
    waits = [careful(Answer(0), 5, 0.0, random.Random(seed)) for seed in range(50)]
    seconds = [wait.seconds for wait in waits if isinstance(wait, SendAgain)]
    assert len(set(seconds)) == 50
    assert max(seconds) > 20


@given(answer=answers, waited=st.floats(0, 60))
def test_an_officer_presses_enter_every_five_seconds_until_the_server_says_yes(
    answer: Answer, waited: float
) -> None:
    decision = presses_enter(answer, 3, waited, _rng())
    if 200 <= answer.status < 300:
        assert decision == Done("delivered")
    else:
        assert isinstance(decision, SendAgain)
        assert decision.seconds == max(0.0, PRESS_SECONDS - waited)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, receipt_status="delivered"), Done("delivered")),
        (Answer(200, receipt_status="rejected"), Done("rejected")),
        (Answer(200, receipt_status="cancelled"), Done("rejected")),
        (Answer(200, receipt_status="dead_letter"), Done("dead_letter")),
        (Answer(200, receipt_status="pending"), Follow("pending", LOCATION, 0)),
        (Answer(200, receipt_status="in_doubt", retry_after=4), Follow("pending", LOCATION, 4)),
    ],
)
def test_a_receipt_says_what_became_of_it(answer: Answer, expected: Done | Follow) -> None:
    assert follow(answer, LOCATION, 1, _rng()) == expected


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_a_receipt_that_cannot_be_read_now_is_asked_about_later(status: int) -> None:
    decision = follow(Answer(status), LOCATION, 1, _rng())
    assert isinstance(decision, Follow)
    assert decision.seconds > 0


@pytest.mark.parametrize("status", [404, 410])
def test_a_receipt_that_is_gone_sends_the_enrollment_again(status: int) -> None:
    assert isinstance(follow(Answer(status), LOCATION, 1, _rng()), SendAgain)


@pytest.mark.parametrize(
    ("status", "done"), [(202, False), (503, False), (0, False), (422, False), (201, True)]
)
def test_an_impatient_officer_presses_enter_every_five_seconds_until_the_server_has_it(
    status: int, *, done: bool
) -> None:
    decision = impatient(Answer(status), 3, 1.5, random.Random(1))
    assert isinstance(decision, Done) == done
    if isinstance(decision, SendAgain):
        assert decision.seconds == PRESS_SECONDS - 1.5


@given(count=st.integers(0, 500), desks=st.integers(1, 250))
def test_desks_share_what_was_kept_back_without_rest(count: int, desks: int) -> None:
    shares = [of_desk(f"36.03.12-{desk}", "12", count, desks) for desk in range(1, desks + 1)]
    assert sum(shares) == count
    assert max(shares) - min(shares) <= 1
    assert of_desk("36.03.13-1", "12", count, desks) == 0
