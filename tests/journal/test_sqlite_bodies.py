"""SQLite: large bodies in a file of their own: written once, and its space used again."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while it looks at a file

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import (
    Change,
    JournalFull,
)
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.bodies.store import LARGE, STEP
from tests.journal.entries import DELIVERED, entry
from tests.journal.large import ACCEPTED, SIZE, accept, beside, deliver, loaded, whole


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    yield journal
    await journal.close()


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
