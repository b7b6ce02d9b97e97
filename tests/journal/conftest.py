"""Every store of the contract, fresh and open."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from gateway.journal.contract import Journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.postgres import PostgresJournal, hints, opening, writer
from gateway.journal.postgres import journal as postgres_journal
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.bodies import store as bodies
from tests.support.postgres import Server, one_server, url_of

STORES: Final = ["memory", "sqlite", "sqlite, bodies apart", "postgres"]
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database on a machine that is busy is not one that is away: all limits are far off."""
    monkeypatch.setattr(opening, "CONNECT_SECONDS", 60.0)
    monkeypatch.setattr(writer, "TRANSACTION_SECONDS", 60.0)
    monkeypatch.setattr(hints, "_TIMEOUT_SECONDS", 60.0)
    monkeypatch.setattr(postgres_journal, "_CLOSING_SECONDS", 60.0)
    monkeypatch.setitem(opening._SESSION, "idle_in_transaction_session_timeout", "60000")
    monkeypatch.setitem(opening._SESSION, "lock_timeout", "60000")
    defaults = PostgresJournal.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "patience_seconds", 90.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite journal lies."""
    return tmp_path / "journal.db"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One server for all tests; each takes a schema of its own."""
    with one_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """An empty place on it."""
    return new_place(postgres_server)


def new_place(server: Server) -> str:
    """A URL with an empty schema."""
    schema = f"place_{next(_numbers)}"
    server.sql(f"CREATE SCHEMA {schema}")
    return url_of(server, schema=schema)


@pytest.fixture(params=STORES)
def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], Journal]:
    """Makes a closed journal that may hold so many bytes."""
    match request.param:
        case "memory":
            return lambda limit: MemoryJournal(max_bytes=limit)
        case "sqlite":
            return lambda limit: SqliteJournal(tmp_path / "journal.db", max_bytes=limit)
        case "sqlite, bodies apart":
            monkeypatch.setattr(bodies, "LARGE", 0)  # as if each were large
            return lambda limit: SqliteJournal(tmp_path / "journal.db", max_bytes=limit)
        case _:
            url = new_place(request.getfixturevalue("postgres_server"))
            return lambda limit: PostgresJournal(url, max_bytes=limit)


@pytest.fixture
async def journal(make: Callable[[int], Journal]) -> AsyncIterator[Journal]:
    """An empty journal, open since second 0."""
    store = make(20_000_000_000)
    await store.open(now=0.0)
    yield store
    await store.close()
