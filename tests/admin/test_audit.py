"""The audit of what operators did."""

import asyncio

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import JournalFault
from tests.admin.office import Office


async def test_an_operators_name_cannot_forge_the_audit(office: Office) -> None:
    await office.post("resume", operator="siti 3603011212900000 " + "x" * 99)
    (record,) = (await office.get("audit"))["items"]
    assert record["actor"] == "siti [16 digits] " + "x" * 47 + " (127.0.0.1)"


async def test_the_audit_is_paged_and_each_link_is_told_to_the_log(office: Office) -> None:
    for _ in range(3):
        await office.post("pause", {"reason": "a move"}, operator="siti")
        await office.post("resume")
    newest = await office.get("audit?limit=4")
    older = await office.get(f"audit?limit=4&before={newest['next_before']}")
    items = [*newest["items"], *older["items"]]
    assert [item["seq"] for item in items] == [6, 5, 4, 3, 2, 1]
    assert older["next_before"] is None
    assert [item["link"] for item in reversed(items)] == [fact.link for fact in office.acted()]


async def test_nothing_is_done_that_the_audit_cannot_keep(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrollment_id = await office.keep(Status.DEAD_LETTER)

    async def no_audit(*_: object, **__: object) -> None:
        await asyncio.sleep(0)
        raise JournalFault("no space for this")

    monkeypatch.setattr(office.journal, "audit", no_audit)
    for path in (f"enrollments/{enrollment_id}/requeue", f"enrollments/{enrollment_id}/cancel"):
        document = await office.post(path, status=503)
        assert document["type"].endswith("/journal-unavailable")
    await office.post("pause", status=503)
    await office.post("requeue", {"status": "dead_letter"}, status=503)
    assert await office.status_of(enrollment_id) is Status.DEAD_LETTER
    assert office.control.told == []
