"""SQLite on a disk that fails: what was promised stands, and nothing is believed after a sync."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, JournalBroken, JournalFault, JournalFull
from gateway.journal.sqlite import SqliteJournal
from tests.journal.disk import FailingDisk, Trouble
from tests.journal.entries import DELIVERED, entry

ACCEPTED = Accepted(Status.PENDING)
MANY, SOME = range(2, 502), 12_000
"""So many of so many bytes, in rows: then the log is worth to be written back."""


@pytest.fixture
def trouble() -> Iterator[Trouble]:
    disk = FailingDisk()
    yield disk.trouble
    disk.unregister()


@pytest.fixture
async def journal(trouble: Trouble, tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open(now=0.0)
    assert trouble.syncs > 0
    yield journal
    await journal.close()


async def accept(journal: SqliteJournal, *numbers: int, size: int = 100) -> list[object]:
    calls = [journal.accept(entry(number, size=size), sending=False) for number in numbers]
    return list(await asyncio.gather(*calls, return_exceptions=True))


@pytest.mark.fault(
    6,
    did="let a sync fail once under calls that wait, and counted what the disk was asked for after",
    sees="all who wait and all who come are refused; no write and no sync follows, not at the end",
    stand_in="a VFS of SQLite that fails on command; the journal, without its gateway",
)
async def test_a_failed_sync_breaks_the_journal_for_all_who_wait_and_all_who_come(
    journal: SqliteJournal, trouble: Trouble
) -> None:
    assert await accept(journal, 1, 2) == [ACCEPTED, ACCEPTED]
    trouble.sync = apsw.SQLITE_IOERR_FSYNC
    waiting = await accept(journal, 3, 4, 5)
    assert [type(answer) for answer in waiting] == [JournalBroken] * 3
    trouble.sync = None
    seen = (trouble.syncs, trouble.writes)
    for call in (journal.totals(), journal.find(entry(1).id), journal.remember("a", "b")):
        with pytest.raises(JournalBroken, match="check the disk, then restart"):
            await call
    assert [type(answer) for answer in await accept(journal, 6)] == [JournalBroken]
    await journal.close()
    assert (trouble.syncs, trouble.writes) == seen  # nothing is written or synced any more


async def test_what_was_promised_before_a_failed_sync_is_there_when_opened_again(
    journal: SqliteJournal, trouble: Trouble
) -> None:
    await accept(journal, 1, 2)
    trouble.sync = apsw.SQLITE_IOERR_FSYNC
    await accept(journal, 3)
    trouble.sync = None
    await journal.close()
    await journal.open(now=9.0)
    found = {life.id for life in await journal.list()}
    assert {entry(1).id, entry(2).id} <= found
    assert entry(6).id not in found


async def test_a_sync_that_fails_while_nobody_calls_is_told_all_the_same(
    journal: SqliteJournal, trouble: Trouble
) -> None:
    watching = asyncio.ensure_future(journal.until_broken())
    await accept(journal, 1)
    trouble.sync, trouble.suffix = apsw.SQLITE_IOERR_FSYNC, ".db"
    assert await accept(journal, *MANY, size=SOME) == [ACCEPTED] * len(MANY)
    with pytest.raises(JournalBroken, match="check the disk, then restart"):
        await asyncio.wait_for(watching, 30)  # the log was written back in the quiet after it


async def test_a_sync_that_fails_while_the_log_is_written_back_breaks_it_too(
    journal: SqliteJournal, trouble: Trouble
) -> None:
    trouble.sync, trouble.suffix = apsw.SQLITE_IOERR_FSYNC, ".db"
    assert await accept(journal, *MANY, size=SOME) == [ACCEPTED] * len(MANY)

    async def look() -> None:
        for _ in range(100):  # the log is written back behind the commit that made it long
            await journal.totals()

    with pytest.raises(JournalBroken):
        await look()
    trouble.sync = None
    await journal.close()
    await journal.open(now=9.0)
    assert (await journal.totals()).accepted == len(MANY)


async def test_a_sync_that_fails_while_it_is_opened_is_told_and_leaves_no_lock(
    trouble: Trouble, tmp_path: Path
) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    trouble.sync = apsw.SQLITE_IOERR_FSYNC
    with pytest.raises(JournalBroken):
        await journal.open(now=0.0)
    trouble.sync = None
    assert await journal.open(now=0.0) == 0
    await journal.close()


async def test_a_full_disk_refuses_whole_enrollments_and_passes_by_itself(
    journal: SqliteJournal, trouble: Trouble
) -> None:
    await accept(journal, 1)
    trouble.write = apsw.SQLITE_FULL
    assert [type(answer) for answer in await accept(journal, 2, 3)] == [JournalFull] * 2
    assert (await journal.totals()).accepted == 1  # reading goes on
    trouble.write = None
    assert await accept(journal, 3, 4) == [ACCEPTED, ACCEPTED]
    assert [life.id for life in await journal.list()] == [entry(n).id for n in (1, 3, 4)]
    assert (await journal.totals()).accepted == 3


async def test_too_little_free_space_refuses_new_ones_but_not_outcomes(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open(now=0.0)
    await journal.accept(entry(1), sending=True)
    await journal.close()
    crowded = SqliteJournal(tmp_path / "journal.db", min_free_bytes=1 << 60)
    await crowded.open(now=1.0)
    assert (await crowded.usage()).full
    assert [type(answer) for answer in await accept(crowded, 2)] == [JournalFull]
    assert await crowded.begin(entry(1).id, now=2.0)
    assert await crowded.change(entry(1).id, DELIVERED, now=3.0)
    await crowded.close()


async def test_another_error_of_the_disk_is_a_fault_that_changes_nothing_and_passes(
    journal: SqliteJournal, trouble: Trouble
) -> None:
    trouble.write = apsw.SQLITE_IOERR_WRITE
    answers = await accept(journal, 1, 2)
    assert [type(answer) for answer in answers] == [JournalFault] * 2
    trouble.write = None
    assert (await journal.totals()).accepted == 0
    assert await accept(journal, 1) == [ACCEPTED]
