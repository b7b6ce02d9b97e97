"""When to try again, or to stop and call a person.

Exponential backoff with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS 2015):
the wait is uniform between 0 and min(cap, base x 2^(n-1)), so that a crowd that failed together
does not come back together.
"""

import random
from typing import TypeAlias

from gateway.core.record import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds: the first wait's upper bound, the longest one, and the age at which to give up."""

    base: float = 1.0
    cap: float = 60.0
    max_age: float = 604_800.0


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at this wall time."""

    at: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Stop trying; a person must decide. The enrollment is kept."""

    reason: str


Retry: TypeAlias = RetryAt | GiveUp


def next_try(
    policy: RetryPolicy,
    *,
    attempts: int,
    since: float,
    now: float,
    rng: random.Random,
    retry_after: float | None = None,
) -> Retry:
    """The next step after ``attempts`` tries (1 or more) that ended without a final answer.

    Args:
        policy: the limits.
        attempts: tries so far.
        since: wall time from which the enrollment's age counts.
        now: wall time.
        rng: where the jitter comes from.
        retry_after: seconds the server asked for: the earliest moment, jitter comes on top.
    """
    if too_old(policy, since=since, now=now):
        return GiveUp("too-old")
    # 2^n leaves the range of a float long before a week of tries is over.
    ceiling = min(policy.cap, policy.base * 2.0 ** min(attempts - 1, 60))
    return RetryAt(now + (retry_after or 0.0) + rng.uniform(0.0, ceiling))


def too_old(policy: RetryPolicy, *, since: float, now: float) -> bool:
    """Whether an enrollment has waited longer than the policy allows."""
    return now - since > policy.max_age
