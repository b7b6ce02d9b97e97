"""SQLite: large bodies in a file of their own: written once, used again, missed when it is gone."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while it looks at a file

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import (
    Accepted,
    Change,
    JournalBroken,
    JournalFault,
    JournalFull,
    Kept,
    Life,
)
from gateway.journal.keyring import KeyRing
from gateway.journal.sealing import SealBroken, Sealer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.bodies.file import BodyFile
from gateway.journal.sqlite.bodies.store import LARGE, STEP
from gateway.journal.sqlite.offline.compacting import compact
from gateway.journal.sqlite.offline.transfer import export, import_
from gateway.journal.sqlite.offline.verifying import verify
from tests.journal.entries import DEAD, DELIVERED, entry, to
from tests.journal.test_sealing import enrollment
from tests.support.small_disk import fill, small_disk

SIZE = 600_000
ACCEPTED = Accepted(Status.PENDING)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    yield journal
    await journal.close()


def beside(path: Path) -> Path:
    return path.with_name("journal.db.bodies")


async def accept(journal: SqliteJournal, *numbers: int, size: int = SIZE) -> list[object]:
    calls = [journal.accept(entry(number, size=size), sending=False) for number in numbers]
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def deliver(journal: SqliteJournal, *numbers: int) -> None:
    for number in numbers:
        assert await journal.begin(entry(number).id, now=1.0)
        assert await journal.change(entry(number).id, DELIVERED, now=2.0)


async def loaded(journal: SqliteJournal, number: int) -> Kept:
    kept = await journal.load(entry(number).id)
    assert kept is not None
    return kept


async def whole(journal: SqliteJournal, *numbers: int, size: int = SIZE) -> None:
    for number in numbers:
        assert (await loaded(journal, number)).body == entry(number, size=size).body


async def test_only_what_is_larger_than_a_page_goes_into_the_file(
    journal: SqliteJournal, path: Path
) -> None:
    await accept(journal, 1, size=LARGE)
    assert not beside(path).exists()
    await accept(journal, 2, size=LARGE + 1)
    assert beside(path).stat().st_mode & 0o777 == 0o600
    assert beside(path).stat().st_size == STEP
    await whole(journal, 1, size=LARGE)
    await whole(journal, 2, size=LARGE + 1)
    await deliver(journal, 1, 2)
    for number in (1, 2):
        assert (await loaded(journal, number)).body is None


async def test_a_body_is_written_once_and_the_log_stays_small(
    journal: SqliteJournal, path: Path
) -> None:
    await accept(journal, *range(1, 21))
    log = path.with_name("journal.db-wal")
    assert log.stat().st_size + path.stat().st_size < SIZE
    await whole(journal, *range(1, 21))


async def test_a_backlog_is_as_it_was_when_opened_again_and_what_ended_is_used_again(
    journal: SqliteJournal, path: Path
) -> None:
    await accept(journal, *range(1, 21))
    await deliver(journal, *range(1, 21, 2))
    await journal.close()
    size = beside(path).stat().st_size
    await journal.open(now=9.0)
    await accept(journal, *range(21, 31))
    assert beside(path).stat().st_size == size, "the new ones are where the ended ones were"
    await whole(journal, *range(2, 21, 2), *range(21, 31))


async def test_space_recurs_for_ever(journal: SqliteJournal, path: Path) -> None:
    for first in range(1, 200, 10):
        numbers = range(first, first + 10)
        await accept(journal, *numbers)
        await deliver(journal, *numbers)
    assert beside(path).stat().st_size == STEP
    usage = await journal.usage()
    assert usage.used < SIZE, "nothing of it is alive"


async def test_a_place_is_not_used_again_before_what_freed_it_is_durable(
    journal: SqliteJournal, path: Path
) -> None:
    await accept(journal, 1)
    await journal.begin(entry(1).id, now=1.0)
    ended = journal.change(entry(1).id, DELIVERED, now=2.0)
    later = journal.accept(entry(2, size=SIZE), sending=False)
    assert list(await asyncio.gather(ended, later)) == [True, ACCEPTED]  # in one transaction
    body = entry(1, size=SIZE).body.data
    assert body in beside(path).read_bytes(), "a crash before the commit would bring its row back"


async def test_what_is_alive_counts_against_the_limit(path: Path) -> None:
    journal = SqliteJournal(path, max_bytes=3 * SIZE)
    await journal.open(now=0.0)
    answers = await accept(journal, 1, 2, 3, 4)
    assert [type(each) for each in answers].count(JournalFull) == 2
    await deliver(journal, 1)
    assert await accept(journal, 5) == [ACCEPTED]
    assert SIZE < (await journal.usage()).used < 3 * SIZE
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


async def with_some(path: Path) -> None:
    """1 and 4 wait, 2 is delivered, 3 is dead, 5 is small, 6 is being sent, 7 waits behind 1."""
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    for number in (1, 2, 3, 4, 6):
        line = "a" if number == 1 else None
        await journal.accept(entry(number, size=SIZE, line=line), sending=number == 6)
    await journal.accept(entry(5), sending=False)
    await journal.accept(entry(7, line="a"), sending=False)
    await deliver(journal, 2)
    await journal.change(entry(3).id, DEAD, now=3.0)
    await journal.close()


async def lives(journal: SqliteJournal) -> dict[int, Life]:
    return {int(life.id[-12:]): life for life in await journal.list()}


@pytest.mark.fault(
    8,
    did="removed the file of large bodies; cut it; put another one in its place",
    sees="refused, and nothing changed, until it is put back; what is missing is listed as dead"
    " letters; another's bytes do not open; all else goes on",
    stand_in="the journal, without its gateway",
)
async def test_without_the_file_nothing_is_started_until_it_is_back(path: Path) -> None:
    await with_some(path)
    away = beside(path).rename(path.with_name("away"))
    for _ in range(2):
        with pytest.raises(JournalFault, match=r"bodies is gone, .* bodies of 4 enrollments"):
            await SqliteJournal(path).open(now=9.0)
    with pytest.raises(JournalFault, match="is gone"):
        verify(path, KeyRing.generate(), progress=lambda *_: None)
    away.rename(beside(path))
    journal = SqliteJournal(path)
    assert await journal.open(now=9.0) == 1
    assert await journal.damage() == ()
    await whole(journal, 1, 3, 4, 6)
    await journal.close()


async def test_an_empty_file_in_its_place_says_that_it_is_lost_for_good(path: Path) -> None:
    await with_some(path)
    beside(path).write_bytes(b"")
    journal = SqliteJournal(path)
    assert await journal.open(now=9.0) == 0
    found = await lives(journal)
    dead = {number for number, life in found.items() if life.status is Status.DEAD_LETTER}
    assert dead == {1, 3, 4, 6}
    assert {found[number].reason for number in dead} == {"lost"}
    assert (found[5].status, found[7].status) == (Status.PENDING, Status.PENDING)
    assert "4 enrollments were lost" in (await journal.damage())[0]
    assert (await loaded(journal, 2)).answer == DELIVERED.answer
    assert await accept(journal, 8, 9) == [ACCEPTED] * 2
    # Whoever gives up on the lost ones takes no place from others.
    assert await journal.change(entry(1).id, to(Status.CANCELLED), now=10.0)
    assert await accept(journal, 10) == [ACCEPTED]
    await whole(journal, 8, 9, 10)
    await journal.close()
    assert await journal.open(now=11.0) == 0
    await whole(journal, 8, 9, 10)
    await journal.close()


async def test_a_file_that_was_cut_costs_what_was_behind(path: Path) -> None:
    await with_some(path)
    os.truncate(beside(path), SIZE + 10_000)
    journal = SqliteJournal(path)
    await journal.open(now=9.0)
    found = await lives(journal)
    lost = {number for number, life in found.items() if life.reason == "lost"}
    assert lost == {3, 4, 6}
    await whole(journal, 1)
    assert await accept(journal, 8, 9) == [ACCEPTED] * 2
    await whole(journal, 1, 8, 9)
    await journal.close()


async def test_bytes_of_another_file_do_not_open(tmp_path: Path) -> None:
    sealer = Sealer(KeyRing.generate())
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        journal = SqliteJournal(folder / "journal.db")
        await journal.open(now=0.0)
        for number in (1, 2):
            sent = enrollment(number)
            large = sealer.seal(replace(sent, body=bytes(50_000)), rank=1.0)
            await journal.accept(large, sending=False)
        await journal.close()
    shutil.copyfile(beside(folders[1] / "journal.db"), beside(folders[0] / "journal.db"))
    mixed = SqliteJournal(folders[0] / "journal.db")
    await mixed.open(now=9.0)
    kept = await mixed.load(enrollment(1).id)
    assert kept is not None
    with pytest.raises(SealBroken, match="altered or belongs to another"):
        sealer.open(kept)
    assert sealer.envelope(kept).key == enrollment(1).key
    await mixed.close()


async def test_an_export_takes_large_bodies_along_and_an_import_keeps_them_apart(
    tmp_path: Path,
) -> None:
    ring = KeyRing.generate()
    sealer = Sealer(ring)
    sent = [
        replace(enrollment(number), body=os.urandom(100_000 + number)) for number in range(1, 9)
    ]
    one, other, file = tmp_path / "journal.db", tmp_path / "other.db", tmp_path / "export"
    journal = SqliteJournal(one)
    await journal.open(now=0.0)
    for each in sent:
        await journal.accept(sealer.seal(each, rank=1.0), sending=False)
    await journal.close()
    assert export(one, file, progress=lambda *_: None).count == len(sent)
    empty = SqliteJournal(other)
    await empty.open(now=0.0)
    await empty.close()
    assert import_(other, file, ring, now=5.0, progress=lambda *_: None).taken == len(sent)
    assert other.stat().st_size < 300_000
    checked = verify(other, ring, progress=lambda *_: None)
    assert (checked.is_whole, checked.opened) == (True, 2 * len(sent))
    await empty.open(now=9.0)
    for each in sent:
        kept = await empty.load(each.id)
        assert kept is not None
        assert sealer.open(kept) == each
    await empty.close()


async def test_compacting_moves_bodies_together_and_cuts_the_file(path: Path) -> None:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    await accept(journal, *range(1, 201), size=100_000)
    ended = [number for number in range(1, 201) if number % 4]
    await deliver(journal, *ended)
    await journal.close()
    before = beside(path).stat().st_size
    found = compact(path)
    assert beside(path).stat().st_size == 50 * 102_400
    assert found.before - found.after >= before - 50 * 102_400
    await journal.open(now=9.0)
    await whole(journal, *range(4, 201, 4), size=100_000)
    assert await accept(journal, 201) == [ACCEPTED]
    await whole(journal, *range(4, 201, 4), size=100_000)
    await journal.close()


async def test_a_crash_while_it_is_compacted_costs_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    await accept(journal, *range(1, 201), size=100_000)
    await deliver(journal, *range(1, 101))
    await journal.close()
    syncs = 0

    def cut(handle: int) -> None:
        nonlocal syncs
        syncs += 1
        if syncs == 2:
            raise OSError(errno.EIO, "the power is gone")
        os.fsync(handle)

    monkeypatch.setattr("gateway.journal.sqlite.bodies.file.os.fdatasync", cut)
    with pytest.raises(JournalBroken):
        compact(path)
    await journal.open(now=9.0)
    await whole(journal, *range(101, 201), size=100_000)
    await journal.close()


async def test_a_large_body_from_before_stays_in_its_row_until_it_is_erased(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    with monkeypatch.context() as before:
        before.setattr("gateway.journal.sqlite.bodies.store.LARGE", 1 << 40)
        await accept(journal, 1, 2)
    assert not beside(path).exists()
    await journal.close()
    await journal.open(now=1.0)
    assert await accept(journal, 3) == [ACCEPTED]
    await whole(journal, 1, 2, 3)
    await deliver(journal, 1, 3)
    await whole(journal, 2)
    change = Change(Status.DEAD_LETTER, "too-old")
    assert await journal.change(entry(2).id, change, now=4.0)
    await whole(journal, 2)
    await journal.close()
