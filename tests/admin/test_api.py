"""The admin API as an operator's script sees it."""

import asyncio

import pytest

from gateway.core.facts import DoubtResolved, EnrollmentSettled, UpstreamState
from gateway.core.lifecycle import Status
from gateway.journal.contract import AuditRecord, Change, JournalFault, Totals
from tests.admin.office import START, TOKEN, Office

UNKNOWN = "0197a000-0000-7000-8000-000000000000"
PATHS = [
    ("GET", "status"),
    ("GET", "enrollments"),
    ("GET", f"enrollments/{UNKNOWN}"),
    ("POST", f"enrollments/{UNKNOWN}/requeue"),
    ("POST", f"enrollments/{UNKNOWN}/cancel"),
    ("POST", "requeue"),
    ("POST", "pause"),
    ("POST", "resume"),
    ("GET", "reconciliation"),
    ("GET", "audit"),
    ("GET", "no-such-path"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="enrollment-gateway admin"'),
        (
            {"Authorization": "Bearer wrong"},
            'Bearer realm="enrollment-gateway admin", error="invalid_token"',
        ),
    ],
)
@pytest.mark.fault(
    34,
    did="every admin path without the token and with a wrong one",
    sees="401",
    stand_in="the admin listener in the test's process",
)
async def test_without_the_token_nothing_is_told_or_done(
    office: Office, method: str, path: str, headers: dict[str, str], challenge: str
) -> None:
    response = await office.client.request(method, f"/admin/v1/{path}", headers=headers)
    document = await response.json(content_type="application/problem+json")
    assert response.status == document["status"] == 401
    assert document["type"].endswith("/unauthorized")
    assert response.headers["WWW-Authenticate"] == challenge
    assert office.control.told == []
    assert await office.journal.audit_list() == ()


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


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "enrollments?state=pending", None),
        ("GET", "audit?since=1", None),
        ("GET", "audit?before=last", None),
        ("GET", "audit?before=3&before=4", None),
        ("POST", "requeue", {}),
        ("POST", "requeue", {"status": "rejected"}),
        ("POST", "pause", ["reason"]),
    ],
)
async def test_what_cannot_be_understood_is_a_400_and_does_nothing(
    office: Office, method: str, path: str, body: object
) -> None:
    if method == "GET":
        document = await office.get(path, status=400)
    else:
        document = await office.post(path, body, status=400)
    assert document["type"].endswith("/bad-request")
    assert office.control.told == []
    assert await office.journal.audit_list() == ()


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


@pytest.mark.parametrize("path", ["status", "enrollments", "reconciliation", "audit"])
async def test_a_journal_that_does_not_answer_is_a_503(office: Office, path: str) -> None:
    await office.journal.close()
    document = await office.get(path, status=503)
    assert document["type"].endswith("/journal-unavailable")


async def test_a_mistake_of_ours_is_a_500_that_tells_nothing_of_its_cause(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ValueError("rahasia")

    monkeypatch.setattr(office.control, "upstream", broken)
    document = await office.get("status", status=500)
    assert document["type"].endswith("/internal-error")
    assert "rahasia" not in str(document)


async def test_wrong_methods_paths_and_sizes_are_problems_too(office: Office) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for method, path, data, status in (
        ("DELETE", "status", b"", 405),
        ("GET", "queue", b"", 404),
        ("POST", "requeue", b" " * 70_000, 413),
    ):
        response = await office.client.request(
            method, f"/admin/v1/{path}", data=data, headers=headers
        )
        document = await response.json(content_type="application/problem+json")
        assert response.status == document["status"] == status
        assert ("Allow" in response.headers) is (status == 405)


async def test_answers_are_never_kept_by_a_cache(office: Office) -> None:
    response = await office.client.get("/admin/v1/status")
    assert response.headers["Cache-Control"] == "no-store"
