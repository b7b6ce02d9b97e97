"""What holds for every request to the admin API: its token, and what is said of a bad one."""

import pytest

from tests.admin.office import TOKEN, UNKNOWN, Office

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
