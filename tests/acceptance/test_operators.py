"""What operators do, with the real command line and a real gateway: tokens, pause, dead letters."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from gateway.cli.who import who
from tests.acceptance.desk import desk, recorded
from tests.acceptance.processes import Gateway, ask, command
from tests.acceptance.scene import scene, until


async def run(gateway: Gateway, *words: str) -> str:
    """Run a command that must succeed; what it printed."""
    ended = await asyncio.to_thread(gateway.command, *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.fault(
    34,
    did="no token, a made-up one, a revoked one, another station's receipt",
    sees="401, 401, 401, 404",
)
async def test_a_station_has_a_token_sees_its_own_receipts_and_is_shut_out_when_revoked(
    tmp_path: Path,
) -> None:
    tokens = tmp_path / "stations.json"
    file = ("--tokens-file", str(tokens))
    first, second = (
        command("stations", "add", name, *file).stdout.strip() for name in ("mauk-1", "curug-1")
    )
    with scene(tmp_path, settings={"stations.tokens_file": str(tokens)}) as stage:
        await asyncio.to_thread(stage.start)
        url = stage.gateway.url
        async with (
            desk(url) as stranger,
            desk(url, token="made-up") as liar,
            desk(url, token=first) as mauk,
            desk(url, token=second) as curug,
        ):
            for unknown in (stranger, liar):
                seen = await unknown.enroll("taken")
                assert (seen.status, seen.problem) == (401, "unauthorized")
                assert "WWW-Authenticate" in seen.headers
            receipt = await mauk.promised("taken")
            assert (await mauk.look(receipt, wait=30)).json["status"] == "delivered"
            assert (await stranger.look(receipt)).status == 401
            assert (await curug.look(receipt)).status == 404
            # Keys are each station's own: the same word is another enrollment.
            assert await curug.promised("taken") != receipt
            await run(stage.gateway, "stations", "revoke", "mauk-1")
            deadline = time.monotonic() + 60
            while (await mauk.look(receipt)).status != 401:
                assert time.monotonic() < deadline, "a revoked token still opens"
                await asyncio.sleep(0.2)
            assert (await curug.enroll("after")).status == 201
        assert first not in tokens.read_text()


async def test_a_pause_outlives_a_restart_and_intake_goes_on(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        await asyncio.to_thread(stage.start)
        assert "ready" in await run(gateway, "healthcheck")
        await run(gateway, "pause", "--reason", "the server is being moved")
        await asyncio.to_thread(gateway.stop)
        await asyncio.to_thread(gateway.start)
        async with desk(gateway.url) as station:
            receipt = (await station.enroll("while-paused")).headers["Location"]
            status = json.loads(await run(gateway, "status", "--json"))
            assert status["upstream"]["state"] == "paused"
            assert status["paused"]["reason"] == "the server is being moved"
            assert status["enrollments"]["pending"] == 1
            listed = json.loads(await run(gateway, "queue", "list", "--json"))
            assert [item["status"] for item in listed["items"]] == ["pending"]
            assert recorded(stage) == []
            await run(gateway, "resume")
            assert (await station.look(receipt, wait=30)).json["status"] == "delivered"
        assert await asyncio.to_thread(gateway.stop) == 0
        ended = await asyncio.to_thread(gateway.command, "healthcheck")
        assert ended.returncode == 1


async def test_receipt_keys_rotated_beside_a_running_gateway_are_in_its_audit_once(
    tmp_path: Path,
) -> None:
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        await asyncio.to_thread(stage.start)

        def audited() -> object:
            return gateway.ask_admin("GET", "audit")["items"]

        assert "has a new key" in await run(gateway, "keys", "rotate", "receipts")
        await until(lambda: audited() != [])
        [record] = json.loads(await run(gateway, "audit", "list", "--json"))["items"]
        assert (record["action"], record["actor"]) == ("receipt keys rotated", who())
        assert await asyncio.to_thread(gateway.stop) == 0
        await asyncio.to_thread(gateway.start)
        assert audited() == [record]
        keys = ask("GET", f"{gateway.url}/_gateway/jwks.json")[1]["keys"]
        assert isinstance(keys, list)
        assert [key["kid"] for key in keys].index(record["subject"]) == 0
        assert "the chain holds" in await run(gateway, "audit", "verify")


@pytest.mark.slow
async def test_a_dead_letter_is_listed_requeued_and_delivered_once(tmp_path: Path) -> None:
    settings = {"retry.max_age_seconds": 1, "retry.base_seconds": 0.2}
    with scene(tmp_path, settings=settings) as stage:
        gateway = stage.gateway
        await asyncio.to_thread(stage.start)
        stage.server.fault("refuse", duration_seconds=4)
        async with desk(gateway.url) as station:
            receipts = [await station.promised(key) for key in ("late", "unwanted")]
            late, unwanted = [
                (await station.until(receipt, "dead_letter"))["id"] for receipt in receipts
            ]
            shown = await run(gateway, "queue", "list", "--status", "dead_letter", "--json")
            items = json.loads(shown)["items"]
            assert {(item["id"], item["reason"]) for item in items} == {
                (late, "too-old"),
                (unwanted, "too-old"),
            }
            assert unwanted in await run(gateway, "queue", "undelivered", "--json")
            assert "cancelled" in await run(gateway, "queue", "cancel", unwanted)
            await until(lambda: stage.server.state()["state"] == "up")
            assert "pending" in await run(gateway, "queue", "requeue", late)
            assert (await station.until(receipts[0], "delivered", "dead_letter"))["status"] == (
                "delivered"
            )
            assert (await station.look(receipts[1])).json["status"] == "cancelled"
        again = await asyncio.to_thread(gateway.command, "queue", "requeue", unwanted)
        assert again.returncode == 1
        assert recorded(stage) == ["late"]
        audit = gateway.ask_admin("GET", "audit")["items"]
        assert isinstance(audit, list)
        assert [item["action"] for item in audit] == ["requeue", "cancel"]
