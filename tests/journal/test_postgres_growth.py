"""Rows that come and go leave nothing behind: after a vacuum the tables are as large as before."""

from typing import Final

import pytest

from benchmarks.backlog import TABLES, turn_over, volumes
from gateway.journal.postgres import PostgresJournal
from tests.support.postgres import Server

ROUNDS: Final = 5
EACH: Final = 2000
SPARE: Final = 65_536  # bytes: a few pages more or less are no growth


@pytest.mark.timeout(300)
async def test_tables_and_indexes_stay_at_the_size_of_what_is_alive(
    postgres_url: str, postgres_server: Server
) -> None:
    """``python -m benchmarks.shared_journal soak`` is the same with a million rows."""
    schema = postgres_url.rpartition("=")[2]
    journal = PostgresJournal(postgres_url)
    await journal.open(now=0.0)
    found: list[dict[str, int]] = []
    for _ in range(ROUNDS):
        await turn_over(journal, EACH, size=500)
        for table in TABLES:
            postgres_server.sql(f"VACUUM {schema}.{table}")
        found.append(volumes(postgres_server, schema))
    await journal.close()
    settled, last = found[1], found[-1]
    assert {
        name: (settled[name], size)
        for name, size in last.items()
        if size > 1.2 * settled[name] + SPARE
    } == {}
