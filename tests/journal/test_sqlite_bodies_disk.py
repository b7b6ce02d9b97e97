"""SQLite: large bodies on a disk that is full, or fails."""

import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.journal.contract import (
    JournalBroken,
    JournalFault,
    JournalFull,
)
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.bodies.file import BodyFile
from tests.journal.entries import entry
from tests.journal.large import ACCEPTED, SIZE, accept, deliver, whole
from tests.support.small_disk import fill, small_disk


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    yield journal
    await journal.close()


async def test_a_disk_that_fills_refuses_new_bodies_and_takes_outcomes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        journal = SqliteJournal(disk / "journal.db", min_free_bytes=1_000_000)
        await journal.open(now=0.0)
        answers: list[object] = []
        for number in range(1, 60):
            answers += await accept(journal, number)
        count = answers.count(ACCEPTED)
        assert 8 < count < 24
        assert [type(each) for each in answers[count:]] == [JournalFull] * (59 - count)
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        assert free >= 1_000_000
        fill(disk)
        await deliver(journal, *range(1, count + 1))
        (disk / "filler").unlink()
        assert await accept(journal, 60) == [ACCEPTED], "in the place of one that ended"
        await journal.close()
        again = SqliteJournal(disk / "journal.db")
        assert await again.open(now=9.0) == 0
        await whole(again, 60)
        await again.close()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
async def test_a_write_that_fails_refuses_these_and_keeps_nothing_of_them(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    await accept(journal, 1)

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(BodyFile, "write", fail)
        answers = await accept(journal, 2, 3)
    kind = JournalFull if code == errno.ENOSPC else JournalFault
    assert [type(each) for each in answers] == [kind] * 2
    assert await journal.find(entry(2).id) is None
    assert await accept(journal, 2, 3) == [ACCEPTED] * 2
    await whole(journal, 1, 2, 3)
    assert (await journal.usage()).used < 4 * SIZE, "what failed holds nothing"


@pytest.mark.fault(
    6,
    did="let the sync of the file of large bodies fail once",
    sees="its enrollment is refused, and all who come; nothing of it is there when opened again",
    stand_in="a function of the system that fails on command",
)
async def test_a_failed_sync_of_bodies_breaks_the_journal(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accept(journal, 1)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr("gateway.journal.sqlite.bodies.file.os.fdatasync", fail)
        answers = await accept(journal, 2, 3)
    assert [type(each) for each in answers] == [JournalBroken] * 2
    with pytest.raises(JournalBroken, match="check the disk, then restart"):
        await journal.until_broken()
    assert [type(each) for each in await accept(journal, 4, size=100)] == [JournalBroken]
    await journal.close()
    await journal.open(now=9.0)
    assert [life.id for life in await journal.list()] == [entry(1).id]
    await whole(journal, 1)
