"""The journal's keys and its sealed rows, under a real gateway: no keys, others' keys, new ones."""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import apsw
import pytest

from gateway.journal.keyring import KeyRing
from loadtests.logs import Recorded, read_ledger
from tests.acceptance.desk import desk, recorded
from tests.acceptance.processes import Gateway
from tests.acceptance.scene import Scene, scene

pytestmark = pytest.mark.slow

SMALL, LARGE = b"biodata of a citizen, " * 20, b"photograph of a citizen, " * 2_000
BODIES = {"small": SMALL, "large": LARGE, "other": b"others' " + SMALL, "second": b"2 " + LARGE}


async def filled(stage: Scene) -> None:
    """A gateway that was stopped, with enrollments that wait."""
    await asyncio.to_thread(stage.start)
    stage.gateway.ask_admin("POST", "pause", {"reason": "so that they stay"})
    async with desk(stage.gateway.url) as station:
        for key, body in BODIES.items():
            await station.promised(key, body)
    assert await asyncio.to_thread(stage.gateway.stop) == 0


async def delivered(stage: Scene) -> dict[str, str]:
    """Start it and let it deliver: the SHA-256 of each body that the server recorded, by key."""
    await asyncio.to_thread(stage.gateway.start)
    stage.gateway.ask_admin("POST", "resume")
    await stage.drained()
    events = read_ledger(stage.folder / "ledger.jsonl")
    return {str(each.key): each.sha256 for each in events if isinstance(each, Recorded)}


def whole() -> dict[str, str]:
    return {key: hashlib.sha256(body).hexdigest() for key, body in BODIES.items()}


def keys_of(gateway: Gateway) -> Path:
    return gateway.journal.with_name(f"{gateway.journal.name}.keys.json")


def stored(gateway: Gateway) -> list[object]:
    """What is kept of enrollments: their rows, their sealed parts, and the file of bodies."""
    connection = apsw.Connection(str(gateway.journal))
    tables = ("enrollment", "content", "extent")
    found = [connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables]  # noqa: S608
    connection.close()
    bodies = gateway.journal.with_name(f"{gateway.journal.name}.bodies")
    return [*found, hashlib.sha256(bodies.read_bytes()).digest()]


def spoken(gateway: Gateway) -> list[str]:
    """The files beside the journal in which words of a body stand."""
    files = gateway.journal.parent.glob(f"{gateway.journal.name}*")
    return [file.name for file in files if b"of a citizen" in file.read_bytes()]


async def refused(gateway: Gateway) -> str:
    """It does not start, and changes no enrollment; what it said."""
    before = stored(gateway)
    gateway.launch()
    code = await asyncio.to_thread(gateway.running.process.wait, 30)
    told = gateway.running.tail()
    gateway.part = None
    assert code in {1, 78}, told
    assert stored(gateway) == before
    return told


def missing(path: Path) -> None:
    path.unlink()


def of_another_journal(path: Path) -> None:
    KeyRing.generate().replace(path)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.fault(
    37,
    did="removed the key file of a stopped gateway, cut it off, put another journal's in its place;"
    " started the gateway each time",
    sees="exit 78 or 1, no new keys, no row and no sealed part changed, no word of a body in any"
    " file; with its own keys again all is delivered as it was sent",
)
@pytest.mark.parametrize("how", [missing, cut_off, of_another_journal])
async def test_without_its_own_keys_nothing_starts(
    tmp_path: Path, how: Callable[[Path], None]
) -> None:
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        await filled(stage)
        file = keys_of(gateway)
        aside = shutil.copy(file, tmp_path / "aside")
        how(file)
        as_left = file.read_bytes() if file.exists() else None
        told = await refused(gateway)
        assert "key" in told
        assert (file.read_bytes() if file.exists() else None) == as_left, "no key was made"
        assert spoken(gateway) == []
        shutil.copy(aside, file)
        assert await delivered(stage) == whole()


@pytest.mark.fault(
    37,
    did="rotated the keys of a stopped gateway, twice, the old ones taken out; started it",
    sees="each body is delivered as it was sent; a copy of the old key file is refused",
)
async def test_what_old_keys_sealed_is_delivered_under_new_ones(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        await filled(stage)
        file = keys_of(gateway)
        first = file.read_bytes()
        for more in ((), ("--forget-old",)):
            words = ("keys", "rotate", "journal", "--config", str(gateway.config), *more)
            ended = await asyncio.to_thread(gateway.command, *words)
            assert ended.returncode == 0, ended.stderr
        newest = file.read_bytes()
        assert len({first, newest}) == 2
        file.write_bytes(first)
        assert "the key file lacks" in await refused(gateway)
        file.write_bytes(newest)
        assert await delivered(stage) == whole()


@pytest.mark.fault(
    37,
    did="exchanged the sealed parts of two rows in the journal of a stopped gateway: all of them,"
    " bodies with their keys, small and large, and the places of two large bodies",
    sees="neither is sent; both are dead letters `unreadable` and kept; the others are delivered",
)
@pytest.mark.parametrize(
    ("pair", "parts"),
    [
        (
            ("small", "other"),
            {"content": ("envelope_key", "envelope", "body_key"), "body": ("data",)},
        ),
        (("small", "other"), {"content": ("body_key",), "body": ("data",)}),
        (("large", "second"), {"content": ("body_key",), "extent": ("place", "length")}),
        (("large", "second"), {"extent": ("place", "length")}),
    ],
    ids=["rows", "bodies", "large", "places"],
)
async def test_two_rows_with_exchanged_parts_are_noticed(
    tmp_path: Path, pair: tuple[str, str], parts: Mapping[str, tuple[str, ...]]
) -> None:
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        await filled(stage)
        exchange(gateway.journal, [[*BODIES].index(key) for key in pair], parts)
        found = await delivered(stage)
        assert found == {key: sha for key, sha in whole().items() if key not in pair}
        listed = gateway.ask_admin("GET", "enrollments?status=dead_letter")["items"]
        assert isinstance(listed, list)
        assert [item["reason"] for item in listed] == ["unreadable"] * 2
        assert not set(pair) & set(recorded(stage))


def exchange(journal: Path, places: list[int], parts: Mapping[str, tuple[str, ...]]) -> None:
    """Of the enrollments at these places in the order accepted, exchange columns of tables."""
    connection = apsw.Connection(str(journal))
    order = [seq for (seq,) in connection.execute("SELECT seq FROM content ORDER BY seq")]
    one, other = (order[place] for place in places)
    for table, columns in parts.items():
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE seq = ?"  # noqa: S608
        rows = {seq: connection.execute(query, (seq,)).fetchall()[0] for seq in (one, other)}
        assert None not in (*rows[one], *rows[other]), "there is nothing to exchange"
        sets = ", ".join(f"{column} = ?" for column in columns)
        for to, of in ((one, other), (other, one)):
            connection.execute(f"UPDATE {table} SET {sets} WHERE seq = ?", (*rows[of], to))  # noqa: S608
    connection.close()
