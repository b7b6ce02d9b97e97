"""A SQLite journal of 300, bits of it changed on the disk, and what its salvage left."""

import asyncio
import json
from pathlib import Path

import apsw

from gateway.core.lifecycle import FINAL, Status
from gateway.journal.contract import Kept, Totals
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.opening import SETTINGS
from tests.journal.entries import DELIVERED, entry

PAGE = int(SETTINGS["page_size"])


COUNT = 300


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
