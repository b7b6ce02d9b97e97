"""Every store of the contract, fresh and open."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.journal.contract import Journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.sqlite import SqliteJournal


@pytest.fixture(params=["memory", "sqlite"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    """An empty journal, open since second 0."""
    store: Journal = (
        MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "journal.db")
    )
    await store.open(now=0.0)
    yield store
    await store.close()
