"""Ready means that the journal would take one more enrollment, and says why when not."""

import asyncio

import pytest

from gateway.admin.readiness import can_promise
from gateway.journal.contract import Usage
from gateway.journal.memory import MemoryJournal


async def opened() -> MemoryJournal:
    journal = MemoryJournal()
    await journal.open(now=0.0)
    return journal


async def test_an_open_journal_with_room_can_promise() -> None:
    assert await can_promise(await opened()) == (True, "ready")


async def test_a_closed_journal_cannot_promise_and_says_why() -> None:
    journal = await opened()
    await journal.close()
    ready, reason = await can_promise(journal)
    assert not ready
    assert reason


@pytest.mark.parametrize(
    "full", [Usage(used=100, limit=100, free=500), Usage(1, 100, free=499, least_free=500)]
)
async def test_a_full_journal_cannot_promise(monkeypatch: pytest.MonkeyPatch, full: Usage) -> None:
    journal = await opened()

    async def usage() -> Usage:
        await asyncio.sleep(0)
        return full

    monkeypatch.setattr(journal, "usage", usage)
    ready, reason = await can_promise(journal)
    assert not ready
    assert "journal.max_bytes" in reason


async def test_a_journal_that_hangs_cannot_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = await opened()
    monkeypatch.setattr("gateway.admin.readiness.PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(journal, "usage", asyncio.Event().wait)
    ready, reason = await can_promise(journal)
    assert not ready
    assert "does not answer" in reason
