"""SQLite on a disk that is really full: nothing new, but what was begun is led to its end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, JournalFull
from gateway.journal.sqlite import SqliteJournal
from tests.journal.entries import ANSWER, DELIVERED, entry
from tests.support.small_disk import fill, small_disk

UNDER_WAY = range(1, 21)
WAITS = entry(21)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 16) as folder:
        yield folder


@pytest.fixture
async def journal(disk: Path) -> AsyncIterator[SqliteJournal]:
    """It has twenty attempts under way, and its disk is full to the last byte."""
    journal = SqliteJournal(disk / "journal.db", min_free_bytes=0)
    await journal.open(now=0.0)
    for number in UNDER_WAY:
        await journal.accept(entry(number, size=20_000), sending=True)
    await journal.accept(WAITS, sending=False)
    fill(disk)
    for _ in range(2):  # what is free behind its last body is given back: that is filled, too
        await journal.totals()
    fill(disk)
    yield journal
    await journal.close()


async def test_nothing_new_is_accepted_until_space_returns_by_itself(
    journal: SqliteJournal, disk: Path
) -> None:
    for number in (30, 31):
        with pytest.raises(JournalFull):
            await journal.accept(entry(number), sending=False)
    assert (await journal.usage()).full
    (disk / "filler").unlink()
    assert await journal.accept(entry(30), sending=False) == Accepted(Status.PENDING)
    assert not (await journal.usage()).full
    assert (await journal.totals()).accepted == len(UNDER_WAY) + 2


async def test_every_outcome_of_what_is_under_way_is_written_in_the_reserve_and_survives(
    journal: SqliteJournal,
) -> None:
    for number in UNDER_WAY:  # one commit each: the dearest way
        assert await journal.change(entry(number).id, DELIVERED, now=5.0)
    await journal.close()
    assert await journal.open(now=9.0) == 0  # none is in doubt: none is sent again
    assert (await journal.totals()).by_status[Status.DELIVERED] == len(UNDER_WAY)
    kept = await journal.find(entry(1).id)
    assert kept is not None
    assert kept.answer == ANSWER


async def test_outcomes_are_written_also_beside_stations_that_ask_in_vain(
    journal: SqliteJournal,
) -> None:
    accepts = (journal.accept(entry(number + 100), sending=True) for number in UNDER_WAY)
    outcomes = (journal.change(entry(number).id, DELIVERED, now=5.0) for number in UNDER_WAY)
    both = [each for pair in zip(accepts, outcomes, strict=True) for each in pair]
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert {type(each) for each in answers[::2]} == {JournalFull}
    assert answers[1::2] == [True] * len(UNDER_WAY)


async def test_no_attempt_begins_once_half_of_the_reserve_is_gone(
    journal: SqliteJournal, disk: Path
) -> None:
    with pytest.raises(JournalFull):  # the reserve is given up for it, in vain
        await journal.remember("too much", "x" * 8_000_000)
    fill(disk)
    with pytest.raises(JournalFull, match="no attempt begins"):
        await journal.begin(WAITS.id, now=6.0)


async def test_it_can_be_opened_on_a_full_disk_and_told_what_became_of_the_rest(
    journal: SqliteJournal, disk: Path
) -> None:
    await journal.close()
    fill(disk)
    assert await journal.open(now=9.0) == len(UNDER_WAY)
    fill(disk)  # the log, written back, has freed some
    assert await journal.change(entry(1).id, DELIVERED, now=10.0)
    with pytest.raises(JournalFull):
        await journal.accept(entry(40), sending=False)
