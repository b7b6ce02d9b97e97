"""What a station sees while all is well: answers, replays, receipts."""

import asyncio
import base64
import json
from collections.abc import Iterator

import pytest

from tests.acceptance.desk import desk, recorded
from tests.acceptance.scene import Scene, scene


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A server and a gateway that both work; every test brings keys of its own."""
    server = ("--workers", "8", "--service-seconds", "0.02")
    with scene(tmp_path_factory.mktemp("calm"), server=server) as stage:
        stage.start()
        yield stage


async def test_the_servers_own_answer_comes_with_a_receipt_id(calm: Scene) -> None:
    async with desk(calm.gateway.url) as station:
        seen = await station.enroll("answered")
        receipt = (await station.look(f"/_gateway/receipts/{seen.headers['Gateway-Receipt']}")).json
    assert seen.status == 201
    assert seen.json["recorded"] is True
    assert "Recorded-At" in seen.headers
    assert "Idempotency-Replayed" not in seen.headers
    assert receipt["status"] == "delivered"
    assert base64.b64decode(receipt["response"]["body_base64"]) == seen.body


async def test_the_same_key_again_gets_the_same_answer_and_no_second_effect(calm: Scene) -> None:
    async with desk(calm.gateway.url) as station:
        first = await station.enroll("again")
        second = await station.enroll("again")
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["Gateway-Receipt"] == first.headers["Gateway-Receipt"]
    assert (second.status, second.body) == (first.status, first.body)
    assert recorded(calm).count("again") == 1


async def test_the_same_bytes_without_a_key_are_the_same_enrollment(calm: Scene) -> None:
    async with desk(calm.gateway.url) as station:
        first = await station.enroll(body=b"the same bytes")
        second = await station.enroll(body=b"the same bytes")
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["Gateway-Receipt"] == first.headers["Gateway-Receipt"]


@pytest.mark.fault(
    25,
    did="the same key with another body",
    sees="422 `idempotency-key-reused`; the first is answered as before",
)
async def test_the_same_key_with_another_body_is_refused_and_the_first_stays(calm: Scene) -> None:
    async with desk(calm.gateway.url) as station:
        first = await station.enroll("reused", b"one citizen")
        other = await station.enroll("reused", b"another citizen")
        again = await station.enroll("reused", b"one citizen")
    assert (other.status, other.problem) == (422, "idempotency-key-reused")
    assert other.headers["Content-Type"] == "application/problem+json"
    assert (again.status, again.body) == (first.status, first.body)
    assert recorded(calm).count("reused") == 1


@pytest.mark.parametrize("key", ["k" * 300, "tab\tin it", "é", '"open'])
@pytest.mark.fault(
    26,
    did="keys of 300 characters, with a control character, not ASCII, with an open quote",
    sees="400 `idempotency-key-invalid`, nothing accepted",
)
async def test_a_key_that_is_none_is_refused(calm: Scene, key: str) -> None:
    before = calm.gateway.reconciliation()["accepted"]
    async with desk(calm.gateway.url) as station:
        seen = await station.enroll(key)
    assert (seen.status, seen.problem) == (400, "idempotency-key-invalid")
    assert calm.gateway.reconciliation()["accepted"] == before


@pytest.mark.fault(
    26,
    did="a key with quotes and the same one bare",
    sees="one enrollment",
)
async def test_a_quoted_key_and_a_bare_one_are_the_same(calm: Scene) -> None:
    async with desk(calm.gateway.url) as station:
        bare = await station.enroll("quoted")
        quoted = await station.enroll('"quoted"')
    assert quoted.headers["Gateway-Receipt"] == bare.headers["Gateway-Receipt"]


async def test_a_receipt_is_promised_at_once_and_followed_to_the_end(calm: Scene) -> None:
    async with desk(calm.gateway.url) as station:
        promise = await station.enroll("followed", Prefer="respond-async")
        end = (await station.look(promise.headers["Location"], wait=30)).json
        by_key = (await station.look("/_gateway/receipts?idempotency_key=followed")).json
    assert promise.status == 202
    assert promise.headers["Preference-Applied"] == "respond-async"
    assert int(promise.headers["Retry-After"]) >= 1
    assert promise.json["durability"] == "fsync"
    assert promise.headers["Location"] == f"/_gateway/receipts/{promise.json['id']}"
    assert end["status"] == "delivered"
    assert end["response"]["status"] == 201
    assert json.loads(base64.b64decode(end["response"]["body_base64"]))["recorded"] is True
    assert by_key == end


@pytest.mark.fault(
    24,
    did="100 at once with one key and body",
    sees="one effect, one receipt id",
)
async def test_a_hundred_with_one_key_at_once_have_one_effect_and_one_receipt(calm: Scene) -> None:
    async with desk(calm.gateway.url) as station:
        seen = await asyncio.gather(*(station.enroll("crowd") for _ in range(100)))
        await station.until(f"/_gateway/receipts/{seen[0].headers['Gateway-Receipt']}", "delivered")
    assert {each.status for each in seen} <= {201, 202}
    assert len({each.headers["Gateway-Receipt"] for each in seen}) == 1
    assert recorded(calm).count("crowd") == 1


async def test_a_real_receipt_is_verified_and_a_forged_one_is_not(calm: Scene) -> None:
    async with desk(calm.gateway.url) as station:
        token = (await station.enroll("verified", Prefer="respond-async")).json["receipt"]
    genuine = await asyncio.to_thread(calm.gateway.command, "receipts", "verify", token)
    head, claims, signature = token.split(".")
    forged = f"{head}.{claims[:-2]}{'AA' if claims[-2:] != 'AA' else 'BB'}.{signature}"
    denied = await asyncio.to_thread(calm.gateway.command, "receipts", "verify", forged)
    assert (genuine.returncode, genuine.stdout.split("\n")[0]) == (0, "genuine")
    assert "fsync" in genuine.stdout
    assert denied.returncode == 1
    assert "Not genuine" in denied.stderr
