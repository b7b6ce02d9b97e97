"""What an operator looks at: the status, and whether the counts add up."""

import asyncio

import pytest

from gateway.core.facts import UpstreamState
from gateway.core.lifecycle import Status
from gateway.journal.contract import Totals
from tests.admin.office import START, Office


async def test_status_tells_what_an_operator_looks_at_first(office: Office) -> None:
    await office.keep(Status.PENDING)
    await office.keep(Status.DELIVERED)
    office.clock.time += 40.0
    office.control.waiting, office.control.rate = 30, 1.5
    usage = await office.journal.usage()
    assert await office.get("status") == {
        "version": "1.2.3",
        "ready": True,
        "now": "2025-11-24T16:00:40.000Z",
        "upstream": {
            "state": "steady",
            "since": "2025-11-24T15:58:30.000Z",
            "reason": "three successes",
            "window": 50,
            "outstanding": 5,
            "ghosts": 2,
            "next_attempt_in_seconds": None,
            "changes": [
                {
                    "at": "2025-11-24T15:58:30.000Z",
                    "what": "window",
                    "from": "40",
                    "to": "50",
                    "reason": "a probe, [16 digits]",
                }
            ],
        },
        "delivery": {"here": True, "by": None},
        "paused": None,
        "enrollments": {
            "pending": 1,
            "sending": 0,
            "delivered": 1,
            "rejected": 0,
            "in_doubt": 0,
            "dead_letter": 0,
            "cancelled": 0,
        },
        "oldest_undelivered_age_seconds": 40.0,
        "drain_rate_per_second": 1.5,
        "drain_seconds_estimate": 20.0,
        "estimated_empty_at": "2025-11-24T16:01:00.000Z",
        "journal": {
            "bytes": usage.used,
            "limit_bytes": usage.limit,
            "free_bytes": usage.free,
            "durability": "memory",
        },
    }


async def test_while_the_server_is_down_no_end_is_promised(office: Office) -> None:
    office.control.state, office.control.waiting = UpstreamState.OPEN, 30
    office.control.next_canary_in = 2.5
    office.ready = (False, "journal-full")
    status = await office.get("status")
    assert status["ready"] is False
    assert status["drain_seconds_estimate"] is None
    assert status["estimated_empty_at"] is None
    assert status["oldest_undelivered_age_seconds"] is None
    assert status["upstream"]["next_attempt_in_seconds"] == 2.5


async def test_a_drain_beyond_all_measure_is_no_estimate(office: Office) -> None:
    office.control.waiting, office.control.rate = 10, 1e-300
    status = await office.get("status")
    assert status["drain_seconds_estimate"] is None
    assert status["estimated_empty_at"] is None


async def test_reconciliation_counts_the_forgotten_in_their_final_status(office: Office) -> None:
    for status in Status:
        await office.keep(status)
    await office.keep(Status.DELIVERED)
    await office.journal.forget(settled_before=START + 1.0, limit=2)
    assert await office.get("reconciliation") == {
        "at": "2025-11-24T16:00:00.000Z",
        "accepted": 8,
        "pending": 1,
        "sending": 1,
        "delivered": 2,
        "rejected": 1,
        "in_doubt": 1,
        "dead_letter": 1,
        "cancelled": 1,
        "balanced": True,
    }


async def test_a_count_that_does_not_add_up_is_said(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def totals() -> Totals:
        await asyncio.sleep(0)
        return Totals(3, {Status.PENDING: 1}, {Status.DELIVERED: 1}, None)

    monkeypatch.setattr(office.journal, "totals", totals)
    assert (await office.get("reconciliation"))["balanced"] is False
