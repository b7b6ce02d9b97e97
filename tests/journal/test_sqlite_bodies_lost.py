"""SQLite: the file of large bodies is gone, cut, or that of another journal."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import (
    JournalFault,
    Life,
)
from gateway.journal.keyring import KeyRing
from gateway.journal.sealing import SealBroken, Sealer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.offline.verifying import verify
from tests.journal.entries import DEAD, DELIVERED, entry, to
from tests.journal.large import ACCEPTED, SIZE, accept, beside, deliver, loaded, whole
from tests.journal.test_sealing import enrollment


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
