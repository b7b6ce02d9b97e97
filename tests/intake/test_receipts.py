"""Receipts: what they say, who may see them, and that anyone can check them."""

import asyncio
import base64
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.facts import EnrollmentSettled
from gateway.core.lifecycle import Status
from gateway.intake import okp
from gateway.intake.signing import ReceiptInvalid, ReceiptKeyFault, load_or_create, verify
from gateway.intake.stations import hash_token
from gateway.journal.contract import Kept
from tests.support.door import RECORDED, Door, open_door

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(tmp_path) as opened:
        yield opened


async def accept(door: Door, **headers: str) -> str:
    got = await door.ask(headers={**ASYNC, **headers})
    return str(got.json["id"])


async def test_a_receipt_shows_where_an_enrollment_stands(door: Door) -> None:
    receipt_id = await accept(door)
    got = await door.ask("GET", f"/_gateway/receipts/{receipt_id}", body=None)
    document = got.json
    assert got.status == 200
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["Cache-Control"] == "no-store"
    assert "Retry-After" in got.headers
    assert set(document) == {
        "id",
        "status",
        "accepted_at",
        "attempts",
        "next_attempt_at",
        "estimated_delivery_at",
        "content_sha256",
        "durability",
        "receipt",
        "response",
    }
    assert (document["id"], document["status"]) == (receipt_id, "pending")


async def test_a_delivered_receipt_holds_the_servers_answer(door: Door) -> None:
    receipt_id = await accept(door)
    await door.settle(await door.only(), Status.DELIVERED, RECORDED)
    got = await door.ask("GET", f"/_gateway/receipts/{receipt_id}", body=None)
    document = got.json
    assert document["status"] == "delivered"
    assert (document["next_attempt_at"], document["estimated_delivery_at"]) == (None, None)
    assert document["response"] == {
        "status": 201,
        "headers": {"Content-Type": "text/plain", "X-Server": "1"},
        "body_base64": base64.b64encode(b"recorded").decode(),
    }
    assert "Retry-After" not in got.headers


@pytest.mark.parametrize("key", ["k%201", "%22k%201%22"])
async def test_a_receipt_is_found_by_key(door: Door, key: str) -> None:
    receipt_id = await accept(door, **{"Idempotency-Key": '"k 1"'})
    got = await door.ask("GET", f"/_gateway/receipts?idempotency_key={key}", body=None)
    assert got.json["id"] == receipt_id


async def test_an_estimate_is_given_only_when_there_is_one(door: Door) -> None:
    door.delivery.waiting, door.delivery.rate = 199, 100.0  # and this one
    got = await door.ask(headers=ASYNC)
    assert got.json["estimated_delivery_at"] == "2026-11-24T01:02:05.456Z"
    assert got.headers["Retry-After"] == "2"
    door.delivery.rate = 0.0
    got = await door.ask("GET", f"/_gateway/receipts/{got.json['id']}", body=None)
    assert got.json["estimated_delivery_at"] is None


async def test_a_receipt_can_be_checked_with_the_published_keys(door: Door) -> None:
    got = await door.ask(headers=ASYNC)
    jwks = (await door.ask("GET", "/_gateway/jwks.json", body=None)).json
    assert all("d" not in key for key in jwks["keys"])
    token = got.json["receipt"]
    header = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
    assert (header["alg"], header["kid"]) == ("EdDSA", jwks["keys"][0]["kid"])
    assert verify(token, jwks) == {
        "jti": got.json["id"],
        "iat": 1_795_482_123,
        "iss": "enrollment-gateway",
        "sub": "anonymous",
        "content_sha256": got.json["content_sha256"],
        "durability": "memory",
    }


async def test_a_receipt_is_the_same_token_whenever_it_is_asked_for(door: Door) -> None:
    first = await door.ask(headers=ASYNC)
    door.clock.advance(100.0)
    again = await door.ask("GET", f"/_gateway/receipts/{first.json['id']}", body=None)
    assert again.json["receipt"] == first.json["receipt"]


async def test_a_forged_receipt_is_found_out(door: Door, tmp_path: Path) -> None:
    token = (await door.ask(headers=ASYNC)).json["receipt"]
    jwks = (await door.ask("GET", "/_gateway/jwks.json", body=None)).json
    head, payload, signature = token.split(".")
    other = load_or_create(tmp_path / "other.jwks")
    altered = payload[:-2] + ("AA" if payload[-2:] != "AA" else "BB")
    for forged in (f"{head}.{altered}.{signature}", other.sign({"jti": "x"}), "no.jws", ""):
        with pytest.raises(ReceiptInvalid):
            verify(forged, jwks)


async def test_a_long_poll_ends_with_the_enrollment(door: Door) -> None:
    receipt_id = await accept(door)
    polling = asyncio.ensure_future(
        door.ask("GET", f"/_gateway/receipts/{receipt_id}", headers={"Prefer": "wait=5"}, body=None)
    )
    await asyncio.sleep(0.05)
    assert not polling.done()
    await door.settle(await door.only(), Status.DELIVERED, RECORDED)
    got = await polling
    assert got.json["status"] == "delivered"
    assert got.json["response"]["status"] == 201
    assert got.headers["Preference-Applied"] == "wait=5"


async def test_a_long_poll_does_not_miss_an_end_that_came_before_it_listened(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt_id = await accept(door)
    find = door.journal.find
    looks = 0

    async def and_then_it_ends(enrollment_id: str) -> Kept | None:
        nonlocal looks
        looks += 1
        kept = await find(enrollment_id)
        if looks == 1:  # found waiting; it ends before anybody waits for that
            await door.settle(await door.only(), Status.DELIVERED, RECORDED)
        return kept

    monkeypatch.setattr(door.journal, "find", and_then_it_ends)
    async with asyncio.timeout(20):
        got = await door.ask(
            "GET", f"/_gateway/receipts/{receipt_id}", headers={"Prefer": "wait=60"}, body=None
        )
    assert got.json["status"] == "delivered"
    assert got.json["response"]["status"] == 201


async def test_a_long_poll_tells_an_end_that_the_journal_does_not_hold_yet(door: Door) -> None:
    receipt_id = await accept(door)
    polling = asyncio.ensure_future(
        door.ask(
            "GET", f"/_gateway/receipts/{receipt_id}", headers={"Prefer": "wait=60"}, body=None
        )
    )
    while receipt_id not in door.intake.waited_for():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    door.intake.see(EnrollmentSettled(receipt_id, Status.DELIVERED, "http-201", RECORDED))
    async with asyncio.timeout(20):
        got = await polling
    assert got.json["status"] == "delivered"
    assert got.json["response"]["status"] == 201


async def test_a_long_poll_ends_when_its_time_is_up(door: Door) -> None:
    receipt_id = await accept(door)
    got = await door.ask(
        "GET", f"/_gateway/receipts/{receipt_id}", headers={"Prefer": "wait=1"}, body=None
    )
    assert got.json["status"] == "pending"


async def test_a_long_poll_of_an_ended_one_does_not_wait(door: Door) -> None:
    receipt_id = await accept(door)
    await door.settle(await door.only(), Status.DELIVERED, RECORDED)
    async with asyncio.timeout(5):
        await door.ask(
            "GET", f"/_gateway/receipts/{receipt_id}", headers={"Prefer": "wait=30"}, body=None
        )


async def test_a_station_sees_only_its_own_receipts(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    entries = [{"name": name, "token_sha256": hash_token(name)} for name in ("one", "two")]
    tokens.write_text(json.dumps({"stations": entries}))
    async with open_door(tmp_path, tokens=tokens) as door:
        one, two = ({"Authorization": f"Bearer {name}"} for name in ("one", "two"))
        mine = await door.ask(headers={**one, **ASYNC, "Idempotency-Key": "k"})
        path = f"/_gateway/receipts/{mine.json['id']}"
        assert (await door.ask("GET", path, headers=one, body=None)).status == 200
        assert (await door.ask("GET", path, headers=two, body=None)).problem == "not-found"
        by_key = "/_gateway/receipts?idempotency_key=k"
        assert (await door.ask("GET", by_key, headers=two, body=None)).problem == "not-found"
        theirs = await door.ask(headers={**two, **ASYNC, "Idempotency-Key": "k"}, body=b"other")
        assert (theirs.status, theirs.json["id"] == mine.json["id"]) == (202, False)


def test_a_token_is_to_the_byte_what_another_library_signs(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path / "receipts.jwks")
    (held,) = json.loads((tmp_path / "receipts.jwks").read_text())["keys"]
    private = okp.private_key(held)
    assert private is not None
    for size in (0, 1, 63, 64, 1000):
        claims = {"jti": "a" * size}
        signed, _, signature = keys.sign(claims).rpartition(".")
        assert base64.urlsafe_b64decode(signature + "==") == private.sign(signed.encode())
        assert verify(f"{signed}.{signature}", keys.jwks()) == claims


def test_the_signing_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "receipts.jwks"
    made = load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create(path).jwks() == made.jwks()


@pytest.mark.parametrize("content", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "oct"}]}', "[]"])
def test_a_broken_key_file_is_said_and_not_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "receipts.jwks"
    path.touch(mode=0o600)
    path.write_text(content)
    with pytest.raises(ReceiptKeyFault):
        load_or_create(path)
    assert path.read_text() == content


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "receipts.jwks"
    load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(ReceiptKeyFault, match="0600"):
        load_or_create(path)
