"""SQLite: whose file it is, how it is written, and what is refused untouched."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while it looks at a file

import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import apsw
import pytest

from gateway.journal.chain import check
from gateway.journal.contract import JournalFault, JournalInUse
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.opening import APPLICATION_ID, SETTINGS, migrations
from tests.journal.entries import DELIVERED, entry


async def with_one(path: Path) -> None:
    """A journal that holds one enrollment, closed."""
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    await journal.accept(entry(1), sending=False)
    await journal.close()


async def accepted(path: Path) -> int:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    totals = await journal.totals()
    await journal.close()
    return totals.accepted


async def test_every_setting_is_in_force(path: Path) -> None:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    assert journal._writer is not None
    found = await journal._writer.call(
        lambda book: {name: book._connection.pragma(name) for name in SETTINGS}
    )
    await journal.close()
    assert found == dict(SETTINGS)
    assert (found["synchronous"], found["journal_mode"]) == (2, "wal")


@pytest.mark.parametrize(
    ("name", "value"), [("page_size", 1000), ("synchronous", 7), ("journal_mode", "wall")]
)
async def test_a_setting_that_does_not_take_is_a_fault_that_names_it(
    path: Path, name: str, value: str | int
) -> None:
    journal = SqliteJournal(path, settings={**SETTINGS, name: value})
    with pytest.raises(JournalFault, match=f"{name} is .*, must be {value}"):
        await journal.open(now=0.0)


async def test_a_new_file_is_for_its_owner_alone_and_says_whose_it_is(path: Path) -> None:
    await with_one(path)
    assert path.stat().st_mode & 0o777 == 0o600
    connection = apsw.Connection(str(path))
    assert connection.pragma("application_id") == APPLICATION_ID
    assert connection.pragma("user_version") == len(migrations())
    connection.close()


async def test_an_audit_from_before_the_chain_is_kept_and_followed_by_linked_records(
    path: Path,
) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("page_size", SETTINGS["page_size"])
    schema = resources.files("gateway.journal.sqlite") / "schema" / "001_initial.sql"
    connection.execute(schema.read_text("utf-8"))
    connection.execute(
        "INSERT INTO audit (at, actor, action, subject, detail) VALUES (1.0, 'a', 'b', 'c', 'd')"
    )
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", 1)
    connection.close()
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    await journal.audit("ana", "pause", "upstream", "", now=2.0)
    found = check(reversed(await journal.audit_list()))
    await journal.close()
    assert (found.holds, found.records, found.unlinked) == (True, 2, 1)


async def test_an_empty_file_becomes_a_journal(path: Path) -> None:
    path.touch()
    await with_one(path)
    assert await accepted(path) == 1


async def test_closed_the_file_alone_is_the_journal(path: Path) -> None:
    await with_one(path)
    alone = path.rename(path.with_name("moved.db"))
    assert await accepted(alone) == 1


async def test_a_second_opener_is_turned_away_and_the_first_goes_on(path: Path) -> None:
    first, second = SqliteJournal(path), SqliteJournal(path)
    await first.open(now=0.0)
    with pytest.raises(JournalInUse, match=r"stop it, or set journal\.url"):
        await second.open(now=0.0)
    await first.accept(entry(1), sending=False)
    await first.close()
    assert await second.open(now=0.0) == 0
    assert (await second.totals()).accepted == 1
    await second.close()


async def test_a_second_process_is_turned_away_and_the_first_goes_on(path: Path) -> None:
    first = SqliteJournal(path)
    await first.open(now=0.0)
    other = subprocess.run(  # noqa: ASYNC221 - the first has nothing to do meanwhile
        [sys.executable, "-m", "tests.journal.child", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "JournalInUse" in other.stderr
    await first.accept(entry(1), sending=False)
    assert (await first.totals()).accepted == 1
    await first.close()


def newer(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", 99)
    connection.close()


def foreign(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE recipe (name TEXT)")
    connection.close()


def text(path: Path) -> None:
    path.write_text("a letter, and no journal at all\n" * 100)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (newer, "start the newer gateway again"),
        (foreign, "no enrollment journal; set journal.url"),
        (text, "no enrollment journal; set journal.url"),
    ],
)
async def test_a_file_that_is_not_ours_is_refused_and_not_touched(
    path: Path, make: Callable[[Path], None], says: str
) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(JournalFault, match=says):
        await SqliteJournal(path).open(now=0.0)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalFault, match=r"directory .*nowhere is missing; create it"):
        await SqliteJournal(tmp_path / "nowhere" / "journal.db").open(now=0.0)


async def test_a_journal_that_could_not_be_opened_can_be_opened_later(path: Path) -> None:
    text(path)
    journal = SqliteJournal(path)
    with pytest.raises(JournalFault):
        await journal.open(now=0.0)
    path.unlink()
    assert await journal.open(now=0.0) == 0
    await journal.close()


@pytest.mark.parametrize("size", [40, 100_000])
async def test_the_key_of_an_erased_body_is_gone_from_the_file(path: Path, size: int) -> None:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    for number in range(1, 101):
        await journal.accept(entry(number, size=size), sending=True)
    await journal.close()
    kept = path.read_bytes()
    await journal.open(now=0.0)
    for number in range(1, 101):
        await journal.change(entry(number).id, DELIVERED, now=5.0)
    await journal.close()
    erased = path.read_bytes()
    for number in range(1, 101):
        assert entry(number).body.key in kept
        assert entry(number).body.key not in erased
        assert entry(number).envelope.key in erased
