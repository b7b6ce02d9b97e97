"""A SQLite journal with bodies so large that they lie in a file of their own."""

import asyncio
from pathlib import Path

from gateway.core.lifecycle import Status
from gateway.journal.contract import (
    Accepted,
    Kept,
)
from gateway.journal.sqlite import SqliteJournal
from tests.journal.entries import DELIVERED, entry

SIZE = 600_000


ACCEPTED = Accepted(Status.PENDING)


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
