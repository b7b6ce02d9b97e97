"""What an operator does: requeue, cancel, pause, resume."""

import pytest

from gateway.core.facts import DoubtResolved, EnrollmentSettled
from gateway.core.lifecycle import Status
from gateway.journal.contract import AuditRecord, Change
from tests.admin.office import START, Office


async def test_a_requeued_dead_letter_is_due_now(office: Office) -> None:
    enrollment_id = await office.keep(Status.DEAD_LETTER, reason="too-old")
    office.clock.time += 5.0
    item = await office.post(f"enrollments/{enrollment_id}/requeue", operator="siti")
    assert item["status"] == "pending"
    assert item["next_attempt_at"] == "2025-11-24T16:00:05.000Z"
    assert office.control.told == ["nudge"]
    assert office.facts[1:] == [
        EnrollmentSettled(enrollment_id, Status.PENDING, "requeued", None, START + 5.0)
    ]
    (record,) = (await office.get("audit"))["items"]
    assert record.pop("link") == office.acted()[0].link
    assert record == {
        "seq": 1,
        "at": "2025-11-24T16:00:05.000Z",
        "actor": "siti (127.0.0.1)",
        "action": "requeue",
        "subject": enrollment_id,
        "detail": "was dead_letter, too-old",
    }


@pytest.mark.parametrize("status", [Status.PENDING, Status.DEAD_LETTER])
async def test_a_waiting_or_dead_enrollment_is_cancelled_for_good(
    office: Office, status: Status
) -> None:
    enrollment_id = await office.keep(status)
    item = await office.post(f"enrollments/{enrollment_id}/cancel")
    assert item["status"] == "cancelled"
    assert office.facts[1:] == [EnrollmentSettled(enrollment_id, Status.CANCELLED, "operator")]
    assert office.control.told == ["nudge"]  # what it held back may be due now
    kept = await office.journal.load(enrollment_id)
    assert kept is not None
    assert kept.body is None
    await office.post(f"enrollments/{enrollment_id}/requeue", status=409)


@pytest.mark.parametrize("act", ["requeue", "cancel"])
async def test_a_person_who_decides_on_a_doubt_resolves_it(office: Office, act: str) -> None:
    enrollment_id = await office.keep(Status.DEAD_LETTER, reason="in-doubt")
    await office.post(f"enrollments/{enrollment_id}/{act}")
    assert office.facts[-1] == DoubtResolved(enrollment_id, "operator")


@pytest.mark.parametrize(
    ("status", "act"),
    [
        *((each, "requeue") for each in Status if each is not Status.DEAD_LETTER),
        *((each, "cancel") for each in Status if each not in {Status.PENDING, Status.DEAD_LETTER}),
    ],
)
async def test_an_act_that_the_status_does_not_allow_is_a_409_and_changes_nothing(
    office: Office, status: Status, act: str
) -> None:
    enrollment_id = await office.keep(status)
    document = await office.post(f"enrollments/{enrollment_id}/{act}", status=409)
    assert document["type"].endswith("/conflict")
    assert f"It is {status}" in document["detail"]
    assert await office.status_of(enrollment_id) is status
    assert office.facts == []
    assert await office.journal.audit_list() == ()


async def test_a_requeue_that_comes_too_late_does_not_end_an_attempt_under_way(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrollment_id = await office.keep(Status.DEAD_LETTER)
    write = office.journal.audit

    async def slow_audit(
        actor: str, action: str, subject: str, detail: str, *, now: float
    ) -> AuditRecord:
        record = await write(actor, action, subject, detail, now=now)
        if action == "requeue":  # meanwhile another operator requeued it, and it is being sent
            await office.journal.change(
                enrollment_id, Change(Status.PENDING, "requeued", now), now=now
            )
            assert await office.journal.begin(enrollment_id, now=now)
        return record

    monkeypatch.setattr(office.journal, "audit", slow_audit)
    await office.post(f"enrollments/{enrollment_id}/requeue", status=409)
    assert await office.status_of(enrollment_id) is Status.SENDING
    assert [fact.action for fact in office.acted()] == ["requeue", "not done"]
    assert len(office.facts) == 2
    (last, first) = await office.journal.audit_list()
    assert (first.action, last.action) == ("requeue", "not done")
    assert last.detail == "it was sending by then"


async def test_many_are_requeued_in_pages_and_only_those_asked_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.admin.acts.PAGE", 2)
    old = [await office.keep(Status.DEAD_LETTER, reason="in-doubt") for _ in range(5)]
    office.clock.time += 7200.0
    young = await office.keep(Status.DEAD_LETTER)
    rejected = await office.keep(Status.REJECTED)
    answer = await office.post("requeue", {"status": "dead_letter", "older_than": "1h"})
    assert answer == {"requeued": 5}
    assert {await office.status_of(each) for each in old} == {Status.PENDING}
    assert await office.status_of(young) is Status.DEAD_LETTER
    assert await office.status_of(rejected) is Status.REJECTED
    assert sum(isinstance(fact, DoubtResolved) for fact in office.facts) == 5
    office.clock.time += 1.0
    assert await office.post("requeue", {"status": "dead_letter"}) == {"requeued": 1}
    assert await office.post("requeue", {"status": "dead_letter"}) == {"requeued": 0}
    assert [item["detail"] for item in (await office.get("audit?limit=2"))["items"]] == [
        "0 enrollments",
        "those accepted before 2025-11-24T18:00:01.000Z",
    ]


async def test_pause_and_resume_reach_delivery_and_show_in_the_status(office: Office) -> None:
    status = await office.post("pause", {"reason": "server moves\r\n3603011212900000"})
    reason = r"server moves\r\n[16 digits]"
    assert status["paused"]["reason"] == reason
    assert status["upstream"]["state"] == "paused"
    status = await office.post("resume")
    assert status["paused"] is None
    assert (await office.post("pause"))["paused"]["reason"] == "by an operator"
    assert office.control.told == [f"pause {reason}", "resume", "pause by an operator"]
    acts = [(item["action"], item["detail"]) for item in (await office.get("audit"))["items"]]
    assert acts == [("pause", "by an operator"), ("resume", ""), ("pause", reason)]
