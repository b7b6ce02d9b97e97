"""SQLite with pages that changed on the disk: what is intact goes on, what is lost is named."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while it looks at a file

import random
from pathlib import Path

import apsw
import pytest

from gateway.journal.contract import JournalBroken
from gateway.journal.sqlite import SqliteJournal, marker
from gateway.journal.sqlite.bodies import store as bodies
from gateway.journal.sqlite.opening import SETTINGS
from tests.journal.damaged import COUNT, PAGE, damage, ledger, look, pages_of, with_many
from tests.journal.entries import entry

_NOBODYS = """
SELECT count(*) FROM extent WHERE seq NOT IN (SELECT seq FROM content WHERE body_key IS NOT NULL)"""


async def test_a_damaged_page_of_rows_costs_these_rows_and_names_each(path: Path) -> None:
    await with_many(path)
    page = pages_of(path, "enrollment")[1]
    damage(path, page, data=b"\xff" * PAGE)
    before = path.read_bytes()
    found = await look(path)
    assert set(found.rows) == set(range(1, COUNT + 1)), "each is there, or is listed as lost"
    assert 10 < len(found.rows) - len([k for k in found.rows.values() if k.envelope.data]) < 200
    found.intact()
    listed = ledger(path)
    assert {row["lost"] for row in listed} == {"row"}
    named = {int(str(row["id"])[-12:]): row for row in listed}
    for number, row in named.items():
        assert row["status"] == ("delivered" if number % 3 == 0 else "pending")
        assert row["accepted_at"] == float(number)
        assert (number in found.lost) or number % 3 == 0
    assert found.lost == {number for number in named if number % 3}
    assert any("salvaged" in sentence for sentence in found.told)
    (kept,) = path.parent.glob("*.damaged-*Z")
    assert kept.read_bytes() == before, "the damaged file stays as it was"


async def test_it_is_salvaged_once_and_then_is_a_journal_like_any_other(path: Path) -> None:
    await with_many(path)
    damage(path, pages_of(path, "enrollment")[0])
    first = await look(path)
    left = [path, *path.parent.glob("*.missing.jsonl")]
    assert [file.stat().st_mode & 0o777 for file in left] == [0o600] * 2
    second = await look(path)
    assert second.totals == first.totals
    assert second.told == first.told
    assert len(list(path.parent.glob("*.missing.jsonl"))) == 1
    journal = SqliteJournal(path)
    await journal.open(now=200.0)
    await journal.accept(entry(COUNT + 1), sending=False)
    assert await journal.recall("window") == "42"
    assert [record.action for record in await journal.audit_list()] == ["pause"]
    await journal.close()


@pytest.mark.parametrize(
    ("table", "kind", "lost"),
    [
        ("content", "leaf", {"content", "answer"}),
        ("body", "leaf", {"content"}),
        ("body", "overflow", {"content"}),
        ("extent", "leaf", {"content"}),
        ("answer", "leaf", {"answer"}),
    ],
)
async def test_a_damaged_page_of_content_costs_at_most_its_own(
    path: Path, table: str, kind: str, lost: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "overflow":  # as before large bodies stood in a file of their own
        monkeypatch.setattr(bodies, "LARGE", 1_000_000)
    await with_many(path)
    pages = pages_of(path, table, kind)
    damage(path, pages[0], data=b"\xff" * PAGE)
    found = await look(path)
    assert set(found.rows) == set(range(1, COUNT + 1))
    listed = ledger(path)
    assert {row["lost"] for row in listed} == lost
    named = {int(str(row["id"])[-12:]) for row in listed}
    assert found.lost == {number for number in named if number % 3}
    for number in named - found.lost:  # delivered all the same; its answer is lost, and says so
        assert found.rows[number].answer is None
        del found.rows[number]
    found.intact()
    connection = apsw.Connection(str(path))
    assert connection.execute(_NOBODYS).get == 0
    connection.close()
    if table == "body":
        assert 0 < len(found.lost) < COUNT / 2
        assert kind == "leaf" or len(found.lost) == 1


@pytest.mark.parametrize(
    "table",
    ["sqlite_autoindex_enrollment_1", "sqlite_autoindex_enrollment_2", "enrollment_status"],
)
async def test_a_damaged_index_costs_nothing(path: Path, table: str) -> None:
    await with_many(path)
    damage(path, pages_of(path, table)[0], at=40, data=b"\x5a" * 2000)
    found = await look(path)
    assert len(found.rows) == COUNT
    assert not found.lost
    found.intact()
    assert any("300 enrollments intact, 0 lost" in sentence for sentence in found.told)


@pytest.mark.parametrize("table", ["enrollment", "body"])
async def test_a_damaged_root_costs_nothing_where_the_leaves_are_whole(
    path: Path, table: str
) -> None:
    await with_many(path)
    damage(path, pages_of(path, table, "internal")[0], data=b"\0" * PAGE)
    found = await look(path)
    assert (len(found.rows), found.lost) == (COUNT, set())
    found.intact()


async def test_a_damaged_header_costs_nothing(path: Path) -> None:
    await with_many(path)
    damage(path, 1, data=b"\0" * 100)
    found = await look(path)
    assert (len(found.rows), found.lost) == (COUNT, set())


async def test_counters_that_disagree_are_counted_again_and_what_is_nameless_is_told(
    path: Path,
) -> None:
    await with_many(path)
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM enrollment WHERE seq = 8")
    connection.execute("DELETE FROM content WHERE seq = 8")
    connection.close()
    found = await look(path)
    assert found.totals.accepted == COUNT - 1
    assert any("1 lost without a name" in sentence for sentence in found.told)
    assert ledger(path) == [{"lost": "row", "nameless": 1}]


@pytest.mark.parametrize("seed", range(25))
async def test_a_flipped_bit_anywhere_never_takes_one_silently(path: Path, seed: int) -> None:
    """In the file, wherever: each enrollment is there whole, or is named, or cannot be opened."""
    rng = random.Random(seed)
    await with_many(path)
    raw = bytearray(path.read_bytes())
    where = rng.randrange(len(raw))
    raw[where] ^= 1 << rng.randrange(8)
    path.write_bytes(raw)
    found = await look(path)
    if any("nameless" in row for row in (ledger(path) if found.told else [])):
        return
    assert set(found.rows) >= set(range(1, COUNT + 1))


async def test_damage_found_while_it_runs_ends_it_and_the_next_start_salvages(path: Path) -> None:
    await with_many(path, size=9_000)
    journal = SqliteJournal(path, settings={**SETTINGS, "cache_size": -64})
    await journal.open(now=50.0)
    damage(path, pages_of_open(path), data=b"\xff" * PAGE)

    async def load_all() -> None:
        for number in range(1, COUNT + 1):
            await journal.load(entry(number).id)

    with pytest.raises(JournalBroken, match="start the gateway again"):
        await load_all()
    await journal.close()
    known = marker.read(path)
    assert known is not None
    assert known.suspect
    found = await look(path)
    assert found.lost
    assert set(found.rows) == set(range(1, COUNT + 1))


def pages_of_open(path: Path) -> int:
    """A late leaf of the content: not yet in the cache of who has it open."""
    raw = path.read_bytes()
    leaves = [at for at in range(PAGE, len(raw), PAGE) if raw[at] == 0x0D]
    return leaves[len(leaves) // 2] // PAGE + 1
