"""What was seen on the wire, and what it means."""

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.enrollment import Answer
from gateway.core.outcome import (
    Broken,
    Credential,
    Exchange,
    Finding,
    NotConnected,
    Outcome,
    classify,
    retry_after,
)

NOW = 1_800_000_000.0


def found(exchange: Exchange, credential: Credential = Credential.NONE) -> Finding:
    return classify(exchange, credential=credential, now=NOW)


def answer(status: int, **headers: str) -> Answer:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status, named, b"{}")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (201, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (301, Outcome.REJECTED),
        (308, Outcome.REJECTED),
        (400, Outcome.REJECTED),
        (404, Outcome.REJECTED),
        (408, Outcome.REFUSED),
        (409, Outcome.REJECTED),
        (410, Outcome.REJECTED),
        (413, Outcome.REJECTED),
        (415, Outcome.REJECTED),
        (422, Outcome.REJECTED),
        (425, Outcome.REFUSED),
        (429, Outcome.REFUSED),
        (500, Outcome.IN_DOUBT),
        (502, Outcome.IN_DOUBT),
        (503, Outcome.REFUSED),
        (504, Outcome.IN_DOUBT),
        (599, Outcome.IN_DOUBT),
    ],
)
def test_a_complete_answer_by_its_status(status: int, outcome: Outcome) -> None:
    assert found(answer(status)).outcome is outcome


@pytest.mark.parametrize("status", [200, 201, 404, 422])
def test_the_station_sees_the_servers_own_answer_once_it_is_final(status: int) -> None:
    assert found(answer(status)).answer == answer(status)


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_no_answer_is_handed_on_while_the_enrollment_is_not_final(status: int) -> None:
    assert found(answer(status)).answer is None


@pytest.mark.parametrize("cause", ["timeout", "reset", "eof", "malformed"])
def test_whatever_breaks_after_the_first_byte_is_in_doubt_and_leaves_a_ghost(cause: str) -> None:
    finding = found(Broken(cause))
    assert (finding.outcome, finding.ghost, finding.whole) == (Outcome.IN_DOUBT, True, False)


@pytest.mark.parametrize(
    ("cause", "whole"), [("refused", False), ("timeout", False), ("dns", True), ("tls", True)]
)
def test_without_a_connection_nothing_was_sent(cause: str, whole: bool) -> None:  # noqa: FBT001 - a table's column
    finding = found(NotConnected(cause))
    assert (finding.outcome, finding.ghost, finding.whole) == (Outcome.NOT_SENT, False, whole)


@pytest.mark.parametrize("status", [401, 403, 407])
@pytest.mark.parametrize("credential", [Credential.GATEWAY, Credential.NONE])
def test_a_refused_credential_of_our_own_is_a_fault_of_the_whole(
    status: int, credential: Credential
) -> None:
    finding = found(answer(status), credential)
    assert (finding.outcome, finding.whole) == (Outcome.REFUSED, True)


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_stations_own_refused_credential_is_final_for_it(status: int) -> None:
    finding = found(answer(status), Credential.STATION)
    assert (finding.outcome, finding.whole) == (Outcome.REJECTED, False)


def test_a_server_may_say_already_recorded_with_a_status_of_its_own() -> None:
    finding = classify(
        answer(409), credential=Credential.NONE, now=NOW, recorded_statuses=frozenset({409})
    )
    assert finding.outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("30", 30.0),
        ("1000000000", 300.0),
        ("9" * 5000, 300.0),
        (email.utils.formatdate(NOW + 60, usegmt=True), 60.0),
        (email.utils.formatdate(NOW - 60, usegmt=True), 0.0),
        (email.utils.formatdate(NOW + 1e6, usegmt=True), 300.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("٣٠", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_more_than_five_minutes(
    value: str, seconds: float | None
) -> None:
    assert retry_after({"retry-after": value}, now=NOW) == seconds


@given(st.text())
def test_no_retry_after_whatever_it_holds_breaks_the_reader(value: str) -> None:
    seconds = retry_after({"retry-after": value}, now=NOW)
    assert seconds is None or 0.0 <= seconds <= 300.0


def test_a_refusal_carries_the_servers_wish() -> None:
    assert found(answer(503, Retry_After="7")).retry_after == 7.0
