"""What follows for one enrollment: before an attempt (triage) and after it (consequence).

An enrollment in doubt may have been recorded. There are three ways out, in this order: the same
key again, where the server honours it; a lookup; a person. Never a blind second request.
"""

import random
from dataclasses import field
from enum import Enum
from typing import Final

from gateway.core.lifecycle import Status
from gateway.core.outcome import Finding, Outcome
from gateway.core.record import dataclass
from gateway.core.retry import GiveUp, RetryPolicy, next_try, too_old

TOO_OLD: Final = "too-old"
IN_DOUBT: Final = "in-doubt"
UNREADABLE: Final = "unreadable"
REQUEUED: Final = "requeued"
STALE: Final = "stale-intent"

_INTENT_HOLDS: Final = 5.0  # seconds from an intent until its first byte


class Triage(Enum):
    """What to do with a candidate that is due."""

    SEND = "send"
    LOOK_UP = "look up"
    PARK_TOO_OLD = TOO_OLD
    PARK_IN_DOUBT = IN_DOUBT


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """What is known of the upstream, and how patient to be.

    Attributes:
        honours_key: the same idempotency key twice has one effect there.
        can_look_up: it can be asked whether a key is recorded.
        settle_seconds: a lookup's "not there" counts only this long after the attempt's intent.
        recorded_statuses: statuses with which it says "already recorded" for our key.
        retry: backoff and age limit.
    """

    honours_key: bool = True
    can_look_up: bool = False
    settle_seconds: float = 60.0
    recorded_statuses: frozenset[int] = frozenset()
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, slots=True)
class Case:
    """An enrollment before its attempt.

    ``attempts`` counts those begun, this one included; ``reason`` is that of its last change;
    ``requeued_at`` is when a person requeued it last.
    """

    status: Status
    attempts: int
    accepted_at: float
    last_attempt_at: float | None
    reason: str | None = None
    requeued_at: float | None = None

    @property
    def waits_since(self) -> float:
        """From when its age counts: a person who requeues it gives it its whole time again."""
        return self.accepted_at if self.requeued_at is None else self.requeued_at


@dataclass(frozen=True, slots=True)
class Consequence:
    """The new status, why, and when to look at it again (wall seconds)."""

    status: Status
    reason: str
    next_attempt_at: float | None = None


def triage(case: Case, policy: DeliveryPolicy, *, now: float) -> Triage:
    """What to do with a pending or in-doubt enrollment that is due.

    One that a person requeued is tried at least once. If it was tried before, it may be recorded,
    and is looked up first where that is possible.
    """
    requeued = case.reason == REQUEUED
    if not requeued and too_old(policy.retry, since=case.waits_since, now=now):
        return Triage.PARK_TOO_OLD
    doubtful = case.status is Status.IN_DOUBT or (requeued and case.attempts > 0)
    if policy.honours_key or not doubtful:
        return Triage.SEND
    if policy.can_look_up:
        return Triage.LOOK_UP
    return Triage.SEND if requeued else Triage.PARK_IN_DOUBT


def is_stale(case: Case, policy: DeliveryPolicy, *, now: float) -> bool:
    """Whether too much time went by between this attempt's intent and its first byte.

    A lookup's "not there" counts from the intent. A process that was stopped in between, or whose
    disk took long, would send when the server is thought to have settled: it must begin anew.
    """
    if policy.honours_key or not policy.can_look_up or case.last_attempt_at is None:
        return False
    return now - case.last_attempt_at > _INTENT_HOLDS


def after_attempt(
    case: Case, finding: Finding, policy: DeliveryPolicy, *, now: float, rng: random.Random
) -> Consequence:
    """What an attempt makes of the enrollment.

    A refusal proves that *this* attempt was not recorded; it says nothing of an earlier one
    that was in doubt, so a doubt outlives it.
    """
    match finding.outcome:
        case Outcome.DELIVERED:
            return Consequence(Status.DELIVERED, finding.cause)
        case Outcome.REJECTED:
            return Consequence(Status.REJECTED, finding.cause)
        case Outcome.IN_DOUBT:
            status = Status.IN_DOUBT
        case Outcome.REFUSED | Outcome.NOT_SENT:
            status = Status.IN_DOUBT if case.status is Status.IN_DOUBT else Status.PENDING
    if status is Status.IN_DOUBT and not policy.honours_key and not policy.can_look_up:
        # Nothing that the gateway could do would make it sure: triage parks it at once.
        return Consequence(status, finding.cause, now)
    return _later(case, policy, status=status, finding=finding, now=now, rng=rng)


def after_lookup(
    case: Case,
    finding: Finding,
    policy: DeliveryPolicy,
    *,
    running_since: float,
    now: float,
    rng: random.Random,
) -> Consequence | None:
    """What a lookup makes of an enrollment in doubt; None: it is not there, send it.

    ``running_since``: wall seconds at which this process began. How much time really went by
    before that is not known: the wall clock may have been set meanwhile.
    """
    if finding.outcome is Outcome.DELIVERED:
        return Consequence(Status.DELIVERED, "found-by-lookup")
    if finding.cause == "http-404":
        began_at = max(case.last_attempt_at or case.accepted_at, running_since)
        settled_at = began_at + policy.settle_seconds
        if now >= settled_at:
            return None
        # A person's word holds until it was acted on.
        reason = REQUEUED if case.reason == REQUEUED else "not-there-yet"
        return Consequence(Status.IN_DOUBT, reason, settled_at)
    return _later(case, policy, status=Status.IN_DOUBT, finding=finding, now=now, rng=rng)


def _later(
    case: Case,
    policy: DeliveryPolicy,
    *,
    status: Status,
    finding: Finding,
    now: float,
    rng: random.Random,
) -> Consequence:
    retry = next_try(
        policy.retry,
        attempts=max(case.attempts, 1),
        since=case.waits_since,
        now=now,
        rng=rng,
        retry_after=finding.retry_after,
    )
    # Too old: due at once, so that triage parks it; the table has no way from sending to a
    # dead letter.
    at = now if isinstance(retry, GiveUp) else retry.at
    return Consequence(status, finding.cause, at)
