"""SQLite: a journal that lost something outside of any crash is never silently less."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while it looks at a file

import shutil
from pathlib import Path

import pytest

from gateway.core.lifecycle import Status
from gateway.journal import damage
from gateway.journal.contract import JournalFault, Life
from gateway.journal.sqlite import SqliteJournal
from tests.journal.entries import CANCELLED, DELIVERED, entry, to
from tests.journal.test_sqlite_crash import killed_after


async def with_some(path: Path) -> None:
    """A journal with each kind of enrollment, closed."""
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    for number, line in enumerate((None, "a", "a", "a", None, None), start=1):
        await journal.accept(entry(number, line=line), sending=False)
    await journal.change(entry(5).id, to(Status.DEAD_LETTER), now=1.0)
    await journal.begin(entry(6).id, now=1.0)
    await journal.change(entry(6).id, DELIVERED, now=1.0)
    await journal.close()


async def opened(path: Path) -> tuple[dict[int, Life], str | None, tuple[str, ...]]:
    """Each enrollment, why delivery must wait, and what is damaged; opened and closed."""
    journal = SqliteJournal(path)
    await journal.open(now=100.0)
    lives = {int(life.id[-12:]): life for life in await journal.list(limit=1000)}
    why, told = await journal.recall(damage.RESTORED), await journal.damage()
    await journal.close()
    return lives, why, told


async def test_a_journal_as_it_was_left_is_opened_without_a_word(path: Path) -> None:
    await with_some(path)
    for _ in range(3):
        lives, why, told = await opened(path)
        assert (why, told) == (None, ())
        assert lives[1].status is Status.PENDING


@pytest.mark.parametrize("how", ["removed", "emptied"])
async def test_without_its_file_nothing_is_started_and_nothing_is_made(
    path: Path, how: str
) -> None:
    await with_some(path)
    path.unlink() if how == "removed" else path.write_bytes(b"")
    before = sorted(path.parent.iterdir())
    for _ in range(2):
        with pytest.raises(JournalFault, match=r"at least 6 enrollments\. Put it back"):
            await SqliteJournal(path).open(now=9.0)
    assert sorted(path.parent.iterdir()) == before


async def test_without_its_marker_an_empty_journal_may_be_begun(path: Path) -> None:
    await with_some(path)
    path.unlink()
    path.with_name("journal.db.marker").unlink()
    assert await opened(path) == ({}, None, ())


async def test_in_an_older_copy_all_that_waits_is_in_doubt_and_what_is_missing_is_counted(
    path: Path,
) -> None:
    await with_some(path)
    shutil.copy(path, path.with_name("backup"))
    journal = SqliteJournal(path)
    await journal.open(now=50.0)
    for number in (7, 8):
        await journal.accept(entry(number), sending=False)
    await journal.close()
    shutil.copyfile(path.with_name("backup"), path)
    lives, why, told = await opened(path)
    assert why is not None
    assert "older than the marker" in why
    (sentence,) = told
    assert sentence.startswith("at least 2 accepted enrollments are missing, their ids not known")
    doubts = {number: life for number, life in lives.items() if life.status is Status.IN_DOUBT}
    assert doubts.keys() == {1, 2, 3, 4}
    assert {life.reason for life in doubts.values()} == {"journal-restored"}
    assert {life.last_attempt_at for life in doubts.values()} == {100.0}
    due = {number for number, life in doubts.items() if life.next_attempt_at is not None}
    assert due == {1, 2}, "those behind others in their order still wait"
    assert (lives[5].status, lives[6].status) == (Status.DEAD_LETTER, Status.DELIVERED)
    again, why_again, _ = await opened(path)
    assert (again, why_again) == (lives, why), "said until somebody takes the note away"


async def test_one_that_waited_in_order_in_an_older_copy_is_still_in_doubt_when_its_turn_comes(
    path: Path,
) -> None:
    await with_some(path)
    path.with_name("journal.db.marker").unlink()
    journal = SqliteJournal(path)
    await journal.open(now=100.0)
    await journal.begin(entry(2).id, now=101.0)
    await journal.change(entry(2).id, DELIVERED, now=101.0)
    kept = await journal.find(entry(3).id)
    assert kept is not None
    assert (kept.life.status, kept.life.next_attempt_at) == (Status.IN_DOUBT, 101.0)
    totals = await journal.totals()
    assert totals.by_status[Status.IN_DOUBT] == 3
    assert not await journal.change(entry(1).id, CANCELLED, now=102.0), "it may be recorded"
    await journal.close()


@pytest.mark.parametrize("change", ["copied", "moved"])
async def test_a_copy_is_taken_for_an_older_one_and_the_same_file_elsewhere_is_not(
    path: Path, change: str
) -> None:
    await with_some(path)
    elsewhere = path.parent / "elsewhere"
    elsewhere.mkdir()
    for file in path.parent.glob("journal.db*"):
        (shutil.copy if change == "copied" else shutil.move)(file, elsewhere / file.name)
    _, why, _ = await opened(elsewhere / path.name)
    assert (why is not None) == (change == "copied")


@pytest.mark.parametrize("how", ["removed", "emptied"])
async def test_after_a_kill_a_log_that_is_gone_is_noticed(path: Path, how: str) -> None:
    killed_after(50, str(path))
    log = path.with_name("journal.db-wal")
    log.unlink() if how == "removed" else log.write_bytes(b"")
    _, why, _ = await opened(path)
    assert why is not None
    assert "log is gone" in why


async def test_after_a_kill_a_log_that_is_there_is_no_doubt_however_often(path: Path) -> None:
    for _ in range(3):
        killed_after(50, str(path))
    lives, why, told = await opened(path)
    assert (why, told) == (None, ())
    assert len(lives) >= 150
