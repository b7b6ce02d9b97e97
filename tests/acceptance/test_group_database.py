"""What the database may do to a group of gateways: no quorum, gone, upgraded, or careless."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from loadtests.verdict import HARMED
from tests.acceptance import sabotage
from tests.acceptance.cluster import cluster, template
from tests.acceptance.desk import Desk, Seen, desk
from tests.acceptance.group import Group, group
from tests.acceptance.processes import PATIENCE, PLAIN, Gateway
from tests.acceptance.scene import harm, meanwhile, until

SERVER: Final = ("--workers", "4", "--service-seconds", "0.05")
OWN: Final = {"keys.json": "journal.key_file", "receipts.json": "receipts.key_file"}
"""Files that all gateways must share, and the settings that name them."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Path]:
    """Stopped nodes to copy."""
    with template() as folder:
        yield folder


def launcher(how: Callable[[], None]) -> tuple[str, ...]:
    """How to start a gateway that is changed so."""
    return ("-m", sabotage.__name__, how.__name__)


async def until_accepted(door: Desk, key: str) -> Seen:
    """Ask again with the same key, as a station does."""
    for _ in range(60):
        seen = await door.enroll(key, Prefer="respond-async")
        if seen.status != 503:
            return seen
        await asyncio.sleep(0.5)
    raise AssertionError("it was never accepted")


@pytest.mark.fault(
    41,
    did="killed both standbys; then the primary too; then started them again",
    sees="503 and never 202; asked again by key: one enrollment, one receipt, quorum",
)
async def test_without_a_quorum_nothing_is_promised_and_the_key_finds_it_later(
    tmp_path: Path, nodes: Path
) -> None:
    with (
        cluster(nodes) as three,
        group(tmp_path, three, gateways=2, server=SERVER) as stage,
    ):
        await asyncio.to_thread(stage.start)
        first, second = stage.gateways
        async with desk(first.url) as here, desk(second.url) as there:
            accepted = await here.enroll("before", Prefer="respond-async")
            assert accepted.json["durability"] == "quorum"

            standbys = [node for node in three.nodes if node is not three.primary]
            for standby in standbys:
                standby.kill()
            seen = await asyncio.gather(
                here.enroll("alone", Prefer="respond-async"),
                there.enroll("alone", Prefer="respond-async"),
            )
            assert [(each.status, each.problem) for each in seen] == [
                (503, "journal-unavailable")
            ] * 2
            assert "Retry-After" in seen[0].headers

            await asyncio.to_thread(three.primary.kill)
            gone = await here.enroll("gone", Prefer="respond-async")
            assert (gone.status, gone.problem) == (503, "journal-unavailable")

            for node in (three.primary, *standbys):
                await asyncio.to_thread(node.start)
            receipts = {
                key: await until_accepted(door, key)
                for key, door in (("alone", here), ("gone", there))
            }
            for key, seen_again in receipts.items():
                assert seen_again.status in {200, 201, 202}
                other = await there.enroll(key, Prefer="respond-async")
                ids = {each.headers["Gateway-Receipt"] for each in (seen_again, other)}
                assert len(ids) == 1
        found = await stage.drained()
        assert found["accepted"] == found["delivered"] == 3


@pytest.mark.fault(
    42,
    did="upgraded one gateway of two, with a schema that has grown, then went back",
    sees="both accept and answer all the time; the old one starts on the new schema too",
)
async def test_one_gateway_is_upgraded_before_the_other(tmp_path: Path, nodes: Path) -> None:
    with (
        cluster(nodes) as three,
        group(tmp_path, three, gateways=2, server=SERVER) as stage,
    ):
        await asyncio.to_thread(stage.start)
        old, new = stage.gateways
        surge = stage.surge(80, 8.0, async_share=0.4)
        async with meanwhile(surge.run(), seconds=90):
            await asyncio.sleep(1.0)
            assert await asyncio.to_thread(new.stop) == 0
            await asyncio.to_thread(new.start, launcher(sabotage.newer_schema))
            columns = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'mood'"
            assert three.primary.sql(columns) == "1"
            for gateway in (old, new):
                async with desk(gateway.url) as door:
                    assert (await door.enroll(f"at {gateway.url}")).status == 201
            assert await asyncio.to_thread(old.stop) == 0
            await asyncio.to_thread(old.start, PLAIN)
        await stage.drained()
        verdict = stage.verdict()
        # The two from beside the surge are in the server's ledger and in no station's log.
        assert {kind: count for kind, count in harm(verdict).items() if kind != "invented"} == {}
        assert surge.undecided == set()


async def test_keys_of_another_gateway_are_refused(tmp_path: Path, nodes: Path) -> None:
    with (
        cluster(nodes) as three,
        group(tmp_path, three, gateways=1, server=SERVER) as stage,
    ):
        await asyncio.to_thread(stage.start)
        for file, named in OWN.items():
            code, text = await asyncio.to_thread(stranger_with_another, stage, file)
            assert code == 78
            assert named in text


def stranger_with_another(stage: Group, file: str) -> tuple[int, str]:
    """A second gateway on this journal, one of whose key files is its own; how it ends."""
    home = stage.folder / f"stranger-{file}"
    home.mkdir()
    settings: dict[str, object] = {
        "journal.url": stage.cluster.url,
        "journal.key_file": str(stage.folder / "keys.json"),
        "receipts.key_file": str(stage.folder / "receipts.json"),
    }
    settings[OWN[file]] = str(home / file)
    with Gateway(home, stage.server.url, settings) as stranger:
        if file == "keys.json":
            # Keys of another journal, made where nothing is shared.
            assert stranger.command("keys", "generate").returncode == 0
        stranger.launch()
        code = stranger.running.process.wait(PATIENCE)
        text = stranger.running.tail()
        stranger.part = None
    return code, text


async def test_a_database_that_commits_asynchronously_is_refused(
    tmp_path: Path, nodes: Path
) -> None:
    with (
        cluster(nodes, synchronous_commit="off") as three,
        group(tmp_path, three, gateways=1, server=SERVER) as stage,
    ):
        (gateway,) = stage.gateways
        gateway.launch()
        assert await asyncio.to_thread(gateway.running.process.wait, PATIENCE) == 78
        assert "synchronous_commit = off" in gateway.running.tail()
        gateway.part = None


@pytest.mark.fault(
    38,
    did="the same with asynchronous commit, and the check of it taken out",
    sees="the verdict is red: what was promised is lost",
)
async def test_the_verdict_is_red_where_the_database_is_careless(
    tmp_path: Path, nodes: Path
) -> None:
    careless = {"synchronous_commit": "off", "synchronous_standby_names": "''"}
    slow = ("--workers", "1", "--service-seconds", "0.3")
    with (
        cluster(nodes, **careless) as three,
        group(tmp_path, three, gateways=2, server=slow) as stage,
    ):
        await asyncio.to_thread(stage.start, launcher(sabotage.believe_in_asynchronous_commit))
        # The tables themselves must outlive it: enrollments are what is to be lost.
        await asyncio.to_thread(three.catch_up)
        # It writes out what was committed so now and then: had it just done so, nothing were lost.
        await asyncio.to_thread(three.primary.pause, "walwriter")
        surge = stage.surge(60, 20.0, async_share=1.0)
        async with meanwhile(surge.run(), seconds=120):
            await until(lambda: len(surge.promised) >= 45, seconds=60.0)
            await asyncio.to_thread(three.fail_over)
        with contextlib.suppress(AssertionError, aiohttp.ClientError):
            await stage.drained()
        verdict = stage.verdict()
    assert verdict.exit_code == HARMED, verdict.sentence
    assert "lost_promised" in harm(verdict)
