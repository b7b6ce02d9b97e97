"""SQLite: a backlog's large bodies are read in parts, and nobody waits for all of them."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest

from gateway.core.facts import Fact, JournalCommitted
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.bodies import store
from gateway.journal.sqlite.disk import Ended, Step
from tests.journal.entries import entry
from tests.journal.large import SIZE, accept


async def test_bodies_are_read_in_parts_and_the_next_while_the_first_are_sent_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = list[Fact]()
    journal = SqliteJournal(tmp_path / "large.db", publish=facts.append)
    await journal.open(now=0.0)
    await accept(journal, *range(8))
    monkeypatch.setattr(store, "ENOUGH", 5 * SIZE // 2)  # three
    assert journal._writer is not None
    disk, happened = journal._writer._disk.run, list[str]()

    def to_the_disk(step: Step, ended: Ended) -> None:
        happened.append("disk")
        disk(step, ended)

    async def send(number: int) -> None:
        kept = await journal.begin(entry(number).id, now=1.0)
        happened.append(f"sent {number}")
        assert kept is not None
        assert kept.body == entry(number, size=SIZE).body

    monkeypatch.setattr(journal._writer._disk, "run", to_the_disk)
    facts.clear()
    await asyncio.gather(*(send(number) for number in range(8)))
    assert [fact.records for fact in facts if isinstance(fact, JournalCommitted)] == [3, 3, 2]
    sent = [f"sent {number}" for number in range(8)]
    assert happened == ["disk", "disk", *sent[:3], "disk", *sent[3:]]
    await journal.close()


async def test_a_newcomer_does_not_wait_until_all_bodies_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(tmp_path / "large.db")
    await journal.open(now=0.0)
    await accept(journal, *range(8))
    monkeypatch.setattr(store, "ENOUGH", 1)
    happened = list[str]()

    async def noted(name: str, call: Awaitable[object]) -> None:
        assert await call
        happened.append(name)

    begins = [
        noted(f"begun {number}", journal.begin(entry(number).id, now=1.0)) for number in range(8)
    ]
    await asyncio.gather(*begins, noted("taken in", journal.accept(entry(8), sending=False)))
    assert happened == ["begun 0", "taken in", *(f"begun {number}" for number in range(1, 8))]
    await journal.close()
