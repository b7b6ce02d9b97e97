"""A PostgreSQL journal with much undelivered: made at once, turned over, and how large it is."""

import asyncio
import time
from typing import Final

from benchmarks.entries import DELIVERED, entry
from gateway.journal.contract import Accepted, Journal
from tests.support.postgres import Server

STATIONS: Final = 6235
TABLES: Final = ("enrollment", "content", "body", "counter", "station", "line", "lease")
_AT_ONCE: Final = 512
_FILL: Final = """
INSERT INTO enrollment (id, identity, fingerprint, station, status, phase, priority, rank, attempts,
    size, accepted_at, next_attempt_at)
SELECT ('0197d5a2-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, sha256(n::text::bytea),
    sha256(n::text::bytea), 'desk-' || n % {stations}, 'pending', 'ready', 3, 1700000000 + n, 0, 16,
    1700000000 + n, 1700000000 + n FROM generate_series(1, {count}) n;
INSERT INTO content (id, envelope_key, envelope)
    SELECT id, decode(repeat('00', 61), 'hex'), decode(repeat('00', 600), 'hex') FROM enrollment;
INSERT INTO body (id, key, data)
    SELECT id, decode(repeat('00', 61), 'hex'), decode(repeat('00', {size}), 'hex') FROM enrollment;
INSERT INTO counter VALUES ('accepted', 15, {count}), ('pending', 15, {count})
    ON CONFLICT (name, shard) DO UPDATE SET value = counter.value + excluded.value;
INSERT INTO station SELECT station, 15, count(*), max(rank) FROM enrollment GROUP BY station;
ANALYZE enrollment; ANALYZE content; ANALYZE body"""


def fill(server: Server, schema: str, count: int, *, size: int = 32) -> None:
    """So many undelivered rows into an empty journal, past its code."""
    statements = _FILL.format(count=count, size=size, stations=STATIONS)
    for statement in statements.strip().split(";\n"):
        server.sql(f"SET search_path = {schema}; {statement}", seconds=900.0)


async def turn_over(journal: Journal, count: int, *, size: int = 32) -> None:
    """Accept so many, deliver as many of those that wait longest, and forget them."""
    for start in range(0, count, _AT_ONCE):
        some = min(_AT_ONCE, count - start)
        await asyncio.gather(*(_accept(journal, size, start + number) for number in range(some)))
        page = await journal.due(now=time.time(), limit=some)
        await asyncio.gather(*(journal.begin(due.id, now=time.time()) for due in page.items))
        now = time.time()
        made = await asyncio.gather(
            *(journal.change(due.id, DELIVERED, now=now) for due in page.items)
        )
        gone = await journal.forget(settled_before=now + 1.0, limit=2 * some)
        assert (sum(made), gone) == (some, some)  # noqa: S101 - else nothing was turned over


async def _accept(journal: Journal, size: int, number: int) -> None:
    answer = await journal.accept(entry(size, station=f"desk-{number % STATIONS}"), sending=False)
    assert isinstance(answer, Accepted)  # noqa: S101 - else nothing was turned over


def volumes(server: Server, schema: str) -> dict[str, int]:
    """Bytes of each table, its indexes apart."""
    found: dict[str, int] = {}
    for table in TABLES:
        sizes = f"SELECT pg_table_size('{schema}.{table}'), pg_indexes_size('{schema}.{table}')"
        rows, indexes = server.sql(sizes).split("|")
        found |= {table: int(rows), f"{table}, indexes": int(indexes)}
    return found
