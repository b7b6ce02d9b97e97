"""What follows for one enrollment, before an attempt and after it."""

import random

import pytest

from gateway.core.decide import (
    REQUEUED,
    Case,
    Consequence,
    DeliveryPolicy,
    Triage,
    after_attempt,
    after_lookup,
    triage,
)
from gateway.core.enrollment import Answer
from gateway.core.lifecycle import Status
from gateway.core.outcome import Finding, Outcome
from gateway.core.retry import RetryPolicy

NOW = 1_000_000.0
RETRY = RetryPolicy(max_age=86_400.0)
HONOURS = DeliveryPolicy(honours_key=True, retry=RETRY)
LOOKS_UP = DeliveryPolicy(honours_key=False, can_look_up=True, settle_seconds=60.0, retry=RETRY)
NEITHER = DeliveryPolicy(honours_key=False, retry=RETRY)


def case(status: Status, *, age: float = 10.0, last_attempt: float = 5.0) -> Case:
    return Case(status, 1, NOW - age, NOW - last_attempt)


def after(before: Case, finding: Finding, policy: DeliveryPolicy) -> Consequence:
    return after_attempt(before, finding, policy, now=NOW, rng=random.Random(1))


@pytest.mark.parametrize(
    ("status", "policy", "what"),
    [
        (Status.PENDING, HONOURS, Triage.SEND),
        (Status.PENDING, NEITHER, Triage.SEND),
        (Status.IN_DOUBT, HONOURS, Triage.SEND),
        (Status.IN_DOUBT, LOOKS_UP, Triage.LOOK_UP),
        (Status.IN_DOUBT, NEITHER, Triage.PARK_IN_DOUBT),
    ],
)
def test_a_doubt_is_sent_again_or_looked_up_or_left_to_a_person(
    status: Status, policy: DeliveryPolicy, what: Triage
) -> None:
    assert triage(case(status), policy, now=NOW) is what


@pytest.mark.parametrize("status", [Status.PENDING, Status.IN_DOUBT])
@pytest.mark.parametrize("policy", [HONOURS, LOOKS_UP, NEITHER])
def test_what_is_too_old_is_parked(status: Status, policy: DeliveryPolicy) -> None:
    assert triage(case(status, age=86_401.0), policy, now=NOW) is Triage.PARK_TOO_OLD


@pytest.mark.parametrize(
    ("policy", "attempts", "what"),
    [
        (HONOURS, 3, Triage.SEND),
        (NEITHER, 3, Triage.SEND),
        (LOOKS_UP, 3, Triage.LOOK_UP),
        (LOOKS_UP, 0, Triage.SEND),
    ],
)
def test_what_a_person_requeued_is_tried_at_least_once_and_looked_up_if_it_may_be_recorded(
    policy: DeliveryPolicy, attempts: int, what: Triage
) -> None:
    requeued = Case(Status.PENDING, attempts, NOW - 864_000.0, NOW - 900.0, REQUEUED)
    assert triage(requeued, policy, now=NOW) is what


@pytest.mark.parametrize(
    ("ago", "what"), [(86_400.0, Triage.SEND), (86_401.0, Triage.PARK_TOO_OLD)]
)
def test_the_age_of_what_a_person_requeued_counts_from_then(ago: float, what: Triage) -> None:
    tried = Case(Status.PENDING, 9, NOW - 864_000.0, NOW - 5.0, "http-503", NOW - ago)
    assert triage(tried, HONOURS, now=NOW) is what


@pytest.mark.parametrize(
    ("outcome", "before", "status"),
    [
        (Outcome.DELIVERED, Status.PENDING, Status.DELIVERED),
        (Outcome.REJECTED, Status.PENDING, Status.REJECTED),
        (Outcome.REFUSED, Status.PENDING, Status.PENDING),
        (Outcome.NOT_SENT, Status.PENDING, Status.PENDING),
        (Outcome.IN_DOUBT, Status.PENDING, Status.IN_DOUBT),
        (Outcome.DELIVERED, Status.IN_DOUBT, Status.DELIVERED),
        (Outcome.REFUSED, Status.IN_DOUBT, Status.IN_DOUBT),
        (Outcome.NOT_SENT, Status.IN_DOUBT, Status.IN_DOUBT),
    ],
)
def test_the_status_after_an_attempt(outcome: Outcome, before: Status, status: Status) -> None:
    assert after(case(before), Finding(outcome, "cause"), HONOURS).status is status


def test_a_retry_waits_as_long_as_the_server_asked() -> None:
    finding = Finding(Outcome.REFUSED, "http-503", retry_after=30.0)
    at = after(case(Status.PENDING), finding, HONOURS).next_attempt_at
    assert at is not None
    assert NOW + 30.0 <= at <= NOW + 31.0


def test_a_doubt_that_nothing_can_clear_is_due_at_once_so_that_it_gets_parked() -> None:
    consequence = after(case(Status.PENDING), Finding(Outcome.IN_DOUBT, "eof"), NEITHER)
    assert consequence == Consequence(Status.IN_DOUBT, "eof", NOW)


def test_a_retry_beyond_the_age_limit_is_due_at_once_so_that_it_gets_parked() -> None:
    old = case(Status.PENDING, age=86_401.0)
    consequence = after(old, Finding(Outcome.REFUSED, "http-503"), HONOURS)
    assert consequence == Consequence(Status.PENDING, "http-503", NOW)


def look_up(
    finding: Finding, *, last_attempt: float, running: float = 3600.0
) -> Consequence | None:
    before = case(Status.IN_DOUBT, age=100.0, last_attempt=last_attempt)
    return after_lookup(
        before, finding, LOOKS_UP, running_since=NOW - running, now=NOW, rng=random.Random(1)
    )


def test_a_lookup_that_finds_it_ends_the_doubt() -> None:
    found = Finding(Outcome.DELIVERED, "http-200", Answer(200, (), b"{}"))
    assert look_up(found, last_attempt=1.0) == Consequence(Status.DELIVERED, "found-by-lookup")


NOT_THERE = Finding(Outcome.REJECTED, "http-404", Answer(404, (), b""))


def test_not_there_counts_only_once_the_server_has_settled() -> None:
    assert look_up(NOT_THERE, last_attempt=59.0) == Consequence(
        Status.IN_DOUBT, "not-there-yet", NOW + 1.0
    )
    assert look_up(NOT_THERE, last_attempt=60.0) is None


def test_after_a_restart_the_server_has_had_no_longer_to_settle_than_the_process_runs() -> None:
    # The wall clock may have been set while nobody looked: an hour by it may be a second.
    waits = look_up(NOT_THERE, last_attempt=3600.0, running=59.0)
    assert waits == Consequence(Status.IN_DOUBT, "not-there-yet", NOW + 1.0)
    assert look_up(NOT_THERE, last_attempt=3600.0, running=60.0) is None


def test_what_a_person_requeued_stays_requeued_until_the_server_has_settled() -> None:
    requeued = Case(Status.PENDING, 3, NOW - 864_000.0, NOW - 59.0, REQUEUED)
    waits = after_lookup(
        requeued, NOT_THERE, LOOKS_UP, running_since=0.0, now=NOW, rng=random.Random(1)
    )
    assert waits == Consequence(Status.IN_DOUBT, REQUEUED, NOW + 1.0)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.NOT_SENT, Outcome.IN_DOUBT])
def test_a_lookup_that_fails_leaves_the_doubt_and_backs_off(outcome: Outcome) -> None:
    consequence = look_up(Finding(outcome, "cause"), last_attempt=600.0)
    assert consequence is not None
    assert consequence.status is Status.IN_DOUBT
    assert consequence.next_attempt_at is not None
    assert consequence.next_attempt_at > NOW
