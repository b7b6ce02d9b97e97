"""Enrollments as an operator finds them: one, some, all of them in pages."""

import pytest

from gateway.core.lifecycle import Status
from tests.admin.office import UNKNOWN, Office


async def test_an_enrollment_is_shown_without_what_it_holds(office: Office) -> None:
    enrollment_id = await office.keep(Status.DEAD_LETTER, reason="seen 3603011212900000")
    assert await office.get(f"enrollments/{enrollment_id}") == {
        "id": enrollment_id,
        "station": "desk-01",
        "status": "dead_letter",
        "attempts": 0,
        "priority": 3,
        "size_bytes": 612,
        "accepted_at": "2025-11-24T16:00:00.000Z",
        "next_attempt_at": None,
        "last_attempt_at": None,
        "settled_at": "2025-11-24T16:00:00.000Z",
        "reason": "seen [16 digits]",
    }


@pytest.mark.parametrize("enrollment_id", [UNKNOWN, "x", "..%2fstatus", "%00"])
@pytest.mark.parametrize("act", ["", "/requeue", "/cancel"])
async def test_an_unknown_enrollment_is_a_404(office: Office, enrollment_id: str, act: str) -> None:
    ask = office.post if act else office.get
    document = await ask(f"enrollments/{enrollment_id}{act}", status=404)
    assert document["type"].endswith("/not-found")
    assert "retention" in document["detail"]


async def test_a_listing_is_filtered_by_status_and_age(office: Office) -> None:
    old = await office.keep(Status.PENDING)
    await office.keep(Status.DELIVERED)
    doubtful = await office.keep(Status.IN_DOUBT)
    office.clock.time += 7200.0
    new = await office.keep(Status.PENDING)

    async def ids(query: str) -> list[str]:
        return [item["id"] for item in (await office.get(f"enrollments?{query}"))["items"]]

    assert await ids("status=pending") == [old, new]
    assert await ids("status=pending&status=in_doubt") == [old, doubtful, new]
    assert await ids("status=pending&older_than=1h") == [old]
    assert len(await ids("")) == 4
    assert await ids("status=cancelled") == []


async def test_pages_hold_each_enrollment_once(office: Office) -> None:
    kept = [await office.keep() for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    sizes = []
    while True:
        page = await office.get(f"enrollments?limit=2{cursor}")
        sizes.append(len(page["items"]))
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == kept
    assert sizes == [2, 2, 1]
