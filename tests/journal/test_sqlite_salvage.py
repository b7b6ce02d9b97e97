"""SQLite with bits that changed on the disk: what is intact goes on, what is lost is named."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while it looks at a file

import asyncio
import json
import random
from pathlib import Path

import apsw
import pytest

from gateway.core.lifecycle import FINAL, Status
from gateway.journal.contract import JournalBroken, Kept, Totals
from gateway.journal.sqlite import SqliteJournal, log, marker
from gateway.journal.sqlite.bodies import store as bodies
from gateway.journal.sqlite.opening import SETTINGS
from tests.journal.entries import DELIVERED, entry
from tests.journal.test_sqlite_crash import killed_after

PAGE = int(SETTINGS["page_size"])
COUNT = 300
_NOBODYS = """
SELECT count(*) FROM extent WHERE seq NOT IN (SELECT seq FROM content WHERE body_key IS NOT NULL)"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def with_many(path: Path, *, size: int = 700) -> None:
    """A closed journal of 300: every third is delivered, some have bodies of several pages."""
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    for first in range(1, COUNT + 1, 30):  # in some commits, as it grows in real life
        numbers = range(first, first + 30)
        large = {number: 40_000 if number % 50 == 0 else size for number in numbers}
        await asyncio.gather(
            *(
                journal.accept(entry(number, size=large[number]), sending=number % 3 == 0)
                for number in numbers
            )
        )
        await asyncio.gather(
            *(
                journal.change(entry(number).id, DELIVERED, now=1.0)
                for number in numbers
                if number % 3 == 0
            )
        )
    await journal.audit("ana", "pause", "upstream", "", now=2.0)
    await journal.remember("window", "42")
    await journal.close()


def pages_of(path: Path, table: str, kind: str = "leaf") -> list[int]:
    connection = apsw.Connection(str(path))
    query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY pageno"
    found = [int(row[0]) for row in connection.execute(query, (table, kind))]
    connection.close()
    return found


def damage(path: Path, page: int, at: int = 0, data: bytes = b"\xff" * 64) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE + at)
        file.write(data)


class Found:
    """A salvaged journal, looked at."""

    def __init__(self, totals: Totals, told: tuple[str, ...], rows: dict[int, Kept]) -> None:
        self.totals = totals
        self.told = told
        self.rows = rows

    @property
    def lost(self) -> set[int]:
        dead = (
            (number, kept.life)
            for number, kept in self.rows.items()
            if kept.life.status is Status.DEAD_LETTER
        )
        return {number for number, life in dead if life.reason == "lost"}

    def intact(self) -> None:
        """Every row that is not lost is as it was accepted, to the byte."""
        for number, kept in self.rows.items():
            if number in self.lost or not kept.envelope.data:
                continue
            new = entry(number, size=40_000 if number % 50 == 0 else 700)
            assert kept.envelope == new.envelope
            assert kept.fingerprint == new.fingerprint
            if kept.life.status in FINAL:
                assert kept.body is None
                assert kept.answer == DELIVERED.answer
            else:
                assert kept.body == new.body


async def look(path: Path) -> Found:
    journal = SqliteJournal(path)
    await journal.open(now=100.0)
    lives = await journal.list(limit=COUNT + 100)
    loaded = [await journal.load(life.id) for life in lives]
    found = Found(
        await journal.totals(),
        await journal.damage(),
        {int(kept.life.id[-12:]): kept for kept in loaded if kept is not None},
    )
    assert await journal.recall("restored") is None, "it is no older copy"
    await journal.close()
    assert found.totals.accepted == sum(found.totals.by_status.values())
    return found


def ledger(path: Path) -> list[dict[str, object]]:
    (file,) = path.parent.glob("*.missing.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


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


async def test_a_status_that_cannot_be_is_noticed_and_listed(path: Path) -> None:
    await with_many(path)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE enrollment SET phase = 'reedy' WHERE seq = 7")
    connection.close()
    found = await look(path)
    assert found.lost == {7}


async def corrupted_text(path: Path, column: str) -> None:
    await with_many(path)
    connection = apsw.Connection(str(path))
    connection.execute(
        f"UPDATE enrollment SET {column} = CAST(x'6465e4736b' AS TEXT) WHERE seq = 7"  # noqa: S608
    )
    connection.close()


@pytest.mark.parametrize("column", ["id", "station", "reason", "status"])
async def test_a_text_that_is_none_is_noticed_and_listed(path: Path, column: str) -> None:
    await corrupted_text(path, column)
    found = await look(path)
    assert len(found.lost) == 1 if column != "id" else found.told
    found.intact()


async def test_a_text_that_turns_bad_while_it_runs_ends_it(path: Path) -> None:
    await with_many(path)
    journal = SqliteJournal(path)
    await journal.open(now=50.0)
    assert journal._writer is not None
    await journal._writer.call(
        lambda book: book._connection.execute(
            "UPDATE enrollment SET reason = CAST(x'6465e4736b' AS TEXT) WHERE seq = 7"
        )
    )
    with pytest.raises(JournalBroken, match="start the gateway again"):
        await journal.find(entry(7).id)
    await journal.close()
    assert (await look(path)).lost == {7}


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


FRAME = PAGE + 24


@pytest.mark.parametrize(
    "where",
    [
        17,  # the log's header
        32 + 8,  # a frame's header
        32 + 24 + 9_000,  # a frame's page
        32 + 20 * FRAME + 24 + 100,
    ],
)
async def test_a_flipped_bit_early_in_the_log_does_not_take_what_follows(
    path: Path, where: int
) -> None:
    acknowledged = killed_after(200, str(path))
    log = path.with_name("journal.db-wal")
    raw = bytearray(log.read_bytes())
    raw[where] ^= 4
    log.write_bytes(raw)
    journal = SqliteJournal(path)
    await journal.open(now=100.0)
    lives = await journal.list(limit=10_000)
    told = await journal.damage()
    await journal.close()
    assert any("salvaged" in sentence for sentence in told)
    assert acknowledged <= {int(life.id[-12:]) for life in lives}


@pytest.mark.parametrize("from_end", [1, 2, 3])
async def test_a_flipped_bit_in_any_commit_of_the_log_but_the_last_is_noticed(
    path: Path, from_end: int
) -> None:
    """The last looks like one that was cut off and never promised: a limit, told in the docs."""
    acknowledged = killed_after(60, str(path))
    file = log.path_of(path)
    frames = log.frames(file, PAGE)[: log.readable(file, PAGE)]
    ends = [frame.place for frame in frames if frame is not None and frame.commits]
    assert len(ends) > 3
    raw = bytearray(file.read_bytes())
    raw[ends[-from_end] + 100] ^= 4
    file.write_bytes(raw)
    journal = SqliteJournal(path)
    await journal.open(now=100.0)
    lives = await journal.list(limit=10_000)
    told = await journal.damage()
    await journal.close()
    assert any("salvaged" in sentence for sentence in told) == (from_end > 1)
    if from_end > 1:
        assert acknowledged <= {int(life.id[-12:]) for life in lives}
