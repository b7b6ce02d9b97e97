"""Every error of the public listener: its status, its problem type, and that nothing was kept.

One row for each error type of section 4 of the public interface, and for the ways to come to it.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.core.facts import RequestOutcome, UpstreamState
from gateway.intake.settings import IntakeSettings
from gateway.intake.stations import hash_token
from gateway.journal.contract import JournalBroken, JournalFault, JournalFull
from gateway.journal.memory import MemoryJournal
from tests.support.door import Door, Got, open_door

Headers = Mapping[str, str] | list[tuple[str, str]]

TOKENS = {
    "stations": [
        {"name": "balaraja-1", "token_sha256": hash_token("good")},
        {"name": "jayanti-1", "token_sha256": hash_token("gone"), "revoked_at": "2026-01-01"},
        {"name": "kresek-1", "token_sha256": hash_token("narrow"), "allow": ["/allowed/*"]},
        {"name": "mauk-1", "token_sha256": hash_token("busy"), "max_inflight": 0},
    ]
}
WRONG = base64.b64encode(hashlib.sha256(b"altered").digest()).decode()


@dataclass(frozen=True)
class Row:
    """One bad request, and what must come of it."""

    status: int
    problem: str
    headers: Headers = field(default_factory=dict)
    method: str = "POST"
    target: str = "/enrollments"
    body: bytes | Callable[[], AsyncIterator[bytes]] = b"packet"
    reason: str | None = None
    retry_after: bool = False
    settings: IntakeSettings = field(default_factory=IntakeSettings)
    tokens: bool = False
    prepare: Callable[[Door], Awaitable[None]] | None = None
    journal: type[MemoryJournal] = MemoryJournal


class _Full(MemoryJournal):
    async def accept(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise JournalFull("no room")


class _Unavailable(MemoryJournal):
    async def accept(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise JournalFault("no disk")


class _Broken(MemoryJournal):
    async def accept(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise JournalBroken("no trust")


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(4):
        yield b"x" * 16


async def _server_down(door: Door) -> None:
    door.delivery.state = UpstreamState.OPEN
    door.delivery.waiting = 1


async def _paused(door: Door) -> None:
    door.delivery.state = UpstreamState.PAUSED


async def _other_enrollment_of_the_key(door: Door) -> None:
    await door.ask(headers={"Idempotency-Key": "k1"}, body=b"the first")


async def _server_gone(door: Door) -> None:
    await door.upstream.close()


ROWS: dict[str, Row] = {
    # -- the target
    "dot segments": Row(400, "bad-request", target="/a/../b", reason="target-dot-segments"),
    "encoded dot segments": Row(
        400, "bad-request", target="/%2e%2E/b", reason="target-dot-segments"
    ),
    "a target that names a host": Row(
        400, "bad-request", target="//elsewhere/x", reason="target-authority"
    ),
    "own paths written otherwise": Row(
        400, "bad-request", target="/%5fgateway/receipts/1", reason="target-reserved"
    ),
    # -- the head
    "an ordering key twice": Row(
        400,
        "bad-request",
        [("Ordering-Key", "a"), ("Ordering-Key", "b")],
        reason="ordering-key",
    ),
    "an ordering key that is none": Row(
        400, "bad-request", {"Ordering-Key": "x" * 256}, reason="ordering-key"
    ),
    "a second name for the length": Row(
        400, "bad-request", {"Content_Length": "6"}, reason="framing"
    ),
    "TRACE": Row(400, "bad-request", method="TRACE", body=b"", reason="framing"),
    # -- the idempotency key
    "a key is required": Row(
        400, "idempotency-key-required", settings=IntakeSettings(require_idempotency_key=True)
    ),
    "an empty key": Row(400, "idempotency-key-invalid", {"Idempotency-Key": ""}),
    "a key of 300": Row(400, "idempotency-key-invalid", {"Idempotency-Key": "k" * 300}),
    "a key with an open quote": Row(400, "idempotency-key-invalid", {"Idempotency-Key": '"k'}),
    "a key that is not ASCII": Row(400, "idempotency-key-invalid", {"Idempotency-Key": "ké"}),
    "two keys": Row(
        400, "idempotency-key-invalid", [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    ),
    "a key of another request": Row(
        422,
        "idempotency-key-reused",
        {"Idempotency-Key": "k1"},
        prepare=_other_enrollment_of_the_key,
    ),
    # -- the body
    "a body that was altered": Row(
        400, "content-digest-mismatch", {"Content-Digest": f"sha-256=:{WRONG}:"}
    ),
    "a digest that is none": Row(
        400, "content-digest-mismatch", {"Content-Digest": "sha-256=:broken"}
    ),
    "a body too large by its length": Row(
        413, "body-too-large", settings=IntakeSettings(max_body_bytes=5)
    ),
    "a body too large in chunks": Row(
        413, "body-too-large", body=_chunks, settings=IntakeSettings(max_body_bytes=40)
    ),
    "too many bytes in hand": Row(
        503, "overloaded", retry_after=True, settings=IntakeSettings(max_inflight_bytes=5)
    ),
    "too many bytes in hand in chunks": Row(
        503,
        "overloaded",
        body=_chunks,
        retry_after=True,
        settings=IntakeSettings(max_inflight_bytes=40),
    ),
    # -- the station
    "no token": Row(401, "unauthorized", tokens=True),
    "an unknown token": Row(401, "unauthorized", {"Authorization": "Bearer no"}, tokens=True),
    "a revoked token": Row(401, "unauthorized", {"Authorization": "Bearer gone"}, tokens=True),
    "another scheme": Row(401, "unauthorized", {"Authorization": "Basic good"}, tokens=True),
    "two tokens": Row(
        401,
        "unauthorized",
        [("Authorization", "Bearer good"), ("Authorization", "Bearer good")],
        tokens=True,
    ),
    "a path that the station may not use": Row(
        403, "forbidden", {"Authorization": "Bearer narrow"}, tokens=True
    ),
    "too many requests in hand": Row(
        429,
        "too-many-requests",
        {"Authorization": "Bearer busy"},
        tokens=True,
        retry_after=True,
    ),
    # -- the gateway's own paths
    "no such receipt": Row(404, "not-found", method="GET", target="/_gateway/receipts/none"),
    "no such own path": Row(404, "not-found", method="GET", target="/_gateway/admin"),
    "a post to an own path": Row(404, "not-found", target="/_gateway/receipts"),
    "no such problem": Row(404, "not-found", method="GET", target="/_gateway/problems/x"),
    "a receipt by no key": Row(
        400, "bad-request", method="GET", target="/_gateway/receipts", reason="idempotency_key"
    ),
    "a receipt by a key that is none": Row(
        400,
        "idempotency-key-invalid",
        method="GET",
        target="/_gateway/receipts?idempotency_key=%00",
    ),
    "a receipt without a token": Row(
        401, "unauthorized", method="GET", target="/_gateway/receipts/x", tokens=True
    ),
    # -- the journal
    "the journal is full": Row(503, "journal-full", retry_after=True, journal=_Full),
    "the journal fails": Row(503, "journal-unavailable", retry_after=True, journal=_Unavailable),
    "the journal is broken": Row(503, "journal-unavailable", retry_after=True, journal=_Broken),
    # -- the server
    "a read while the server is down": Row(
        503, "upstream-unavailable", method="GET", retry_after=True, prepare=_server_down
    ),
    "a read while delivery is paused": Row(
        503, "upstream-unavailable", method="GET", retry_after=True, prepare=_paused
    ),
    "a read of a server that is gone": Row(
        503,
        "upstream-unavailable",
        method="GET",
        retry_after=True,
        prepare=_server_gone,
        settings=IntakeSettings(hold_seconds=0.05),
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
@pytest.mark.fault(
    26,
    did="no key where one is required",
    sees="400 `idempotency-key-required`, nothing kept",
    stand_in="delivery behind the real listener follows a script",
)
@pytest.mark.fault(
    27,
    did="bodies over the limit, with a length and in chunks",
    sees="413 `body-too-large`, nothing kept",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_bad_request_gets_its_problem_and_nothing_is_kept(row: Row, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps(TOKENS))
    async with open_door(
        tmp_path,
        settings=row.settings,
        tokens=tokens if row.tokens else None,
        journal=row.journal(),
    ) as door:
        if row.prepare is not None:
            await row.prepare(door)
        before = (await door.totals()).accepted
        body = row.body if isinstance(row.body, bytes) else row.body()
        got = await door.ask(row.method, row.target, headers=row.headers, body=body)
        _check(got, row)
        assert (await door.totals()).accepted == before
        assert door.intake._bodies.in_flight == 0
        assert door.finished().problem == row.problem
        later = row.status in {429, 503}
        expected = RequestOutcome.REFUSED if later else RequestOutcome.REJECTED
        assert door.finished().outcome is expected


def _check(got: Got, row: Row) -> None:
    assert (got.status, got.problem) == (row.status, row.problem)
    assert got.json.get("reason") == row.reason
    assert got.headers["Cache-Control"] == "no-store"
    assert ("Retry-After" in got.headers) is row.retry_after
    if row.retry_after:
        assert int(got.headers["Retry-After"]) >= 1
    if row.status == 401:
        assert got.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_body_that_stops_coming_is_a_request_timeout(tmp_path: Path) -> None:
    settings = IntakeSettings(body_idle_timeout_seconds=0.1)
    async with open_door(tmp_path, settings=settings) as door:
        answer = await door.raw(b"POST /e HTTP/1.1\r\nHost: g\r\nContent-Length: 9\r\n\r\nhalf")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"/_gateway/problems/request-timeout" in answer
        assert b"Connection: close" in answer
        assert (await door.totals()).accepted == 0
        assert door.intake._bodies.in_flight == 0


async def test_a_fault_of_the_gateway_tells_no_details(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:

        def fail(*_: object) -> None:
            raise RuntimeError("the body was 3603010101900000")

        door.delivery.reserve = fail  # type: ignore[method-assign, assignment]
        got = await door.ask()
        assert (got.status, got.problem) == (500, "internal-error")
        assert b"RuntimeError" not in got.body
        assert b"3603" not in got.body
        assert (await door.totals()).accepted == 0


async def test_an_error_never_repeats_what_the_request_held(tmp_path: Path) -> None:
    marker = "3603010101900000"
    async with open_door(tmp_path) as door:
        for target, headers in (
            (f"/../{marker}", {}),
            ("/e", {"Idempotency-Key": f'"{marker}'}),
            ("/e", {"Ordering-Key": f'"{marker}'}),
            (f"/_gateway/{marker}", {}),
        ):
            got = await door.ask(target=target, headers=headers)
            assert got.problem is not None
            assert marker not in got.body.decode() + str(got.headers)


async def test_problems_speak_indonesian_when_asked(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        got = await door.ask(target="//x", headers={"Accept-Language": "id-ID, en;q=0.5"})
        assert got.headers["Content-Language"] == "id"
        assert "Tidak ada yang disimpan" in got.json["detail"]


async def test_a_problem_type_can_be_followed_to_what_it_means(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        problem = await door.ask(target="//x")
        page = await door.ask("GET", problem.json["type"], body=None)
        assert page.status == 200
        assert problem.json["title"] in page.body.decode()


async def test_one_bad_request_does_not_hurt_the_next(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        await door.ask(headers={"Idempotency-Key": ""})
        async with asyncio.timeout(5):
            assert (await door.ask()).status == 201
