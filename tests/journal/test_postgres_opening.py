"""Several hosts, a schema that grows while others serve, and gateways that must agree."""

import asyncio

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.agreement import agree
from gateway.journal.contract import Accepted, JournalFault
from gateway.journal.postgres import PostgresJournal, figures, opening
from gateway.journal.postgres.opening import Migration, hosts_of, migrations
from tests.acceptance.ports import free_port
from tests.journal.entries import entry
from tests.support.postgres import Server

ADDED = Migration("ALTER TABLE enrollment ADD COLUMN mood TEXT", compatible=1)


def test_a_url_with_several_hosts_is_one_for_each() -> None:
    url = "postgresql://me:pw@a:1,[::1]:2,c/journal?sslmode=require"
    assert hosts_of(url) == [
        "postgresql://me:pw@a:1/journal?sslmode=require",
        "postgresql://me:pw@[::1]:2/journal?sslmode=require",
        "postgresql://me:pw@c/journal?sslmode=require",
    ]


def test_every_migration_says_which_gateways_may_go_on() -> None:
    for number, step in enumerate(migrations(), start=1):
        assert 1 <= step.compatible <= number


async def test_a_host_that_is_dead_or_no_primary_costs_nothing(
    postgres_url: str, postgres_server: Server
) -> None:
    hosts = f"127.0.0.1:{free_port()},{postgres_server.address}"
    journal = PostgresJournal(postgres_url.replace(postgres_server.address, hosts))
    await journal.open(now=0.0)
    assert await journal.accept(entry(1), sending=True) == Accepted(Status.SENDING)
    await journal.close()


async def test_no_host_that_answers_is_a_fault_that_says_where_to_look() -> None:
    journal = PostgresJournal(f"postgresql://me@127.0.0.1:{free_port()}/journal")
    with pytest.raises(JournalFault, match=r"journal\.url"):
        await journal.open(now=0.0)


async def test_an_older_gateway_goes_on_and_starts_again_on_a_schema_that_grew(
    postgres_url: str,
) -> None:
    old = PostgresJournal(postgres_url)
    new = PostgresJournal(postgres_url, schema=[*migrations(), ADDED])
    await old.open(now=0.0)
    await new.open(now=0.0)
    assert await old.accept(entry(1), sending=False) == Accepted(Status.PENDING)
    assert await new.accept(entry(2), sending=False) == Accepted(Status.PENDING)
    assert (await old.totals()).accepted == 2
    await old.close()
    await old.open(now=1.0)
    assert len(await old.list()) == 2
    await new.close()
    await old.close()


async def test_a_gateway_that_is_too_old_refuses_and_changes_nothing(postgres_url: str) -> None:
    breaking = Migration(ADDED.script, compatible=len(migrations()) + 1)
    new = PostgresJournal(postgres_url, schema=[*migrations(), breaking])
    await new.open(now=0.0)
    await new.accept(entry(1), sending=False)
    old = PostgresJournal(postgres_url)
    with pytest.raises(JournalFault, match="Start the newer gateway again"):
        await old.open(now=0.0)
    assert (await new.totals()).accepted == 1
    await new.close()


async def test_those_that_make_the_first_table_at_once_make_one(postgres_url: str) -> None:
    several = [await opening.connect(postgres_url, name=str(number)) for number in range(8)]
    try:
        # Many times: they collide in microseconds, now on one name, now on another.
        for _ in range(500):
            await asyncio.gather(*(opening._make_version_row(each) for each in several))
            rows = await several[0].fetch("SELECT version FROM journal_schema")
            assert [tuple(row) for row in rows] == [(0,)]
            await several[0].execute("DROP TABLE journal_schema")
    finally:
        await asyncio.gather(*(each.close() for each in several))


async def test_gateways_that_start_at_once_make_one_schema(postgres_url: str) -> None:
    several = [PostgresJournal(postgres_url) for _ in range(12)]
    opened = await asyncio.gather(*(journal.open(now=0.0) for journal in several))
    assert opened == [0] * 12
    assert sum(journal.may_send() for journal in several) == 1
    await asyncio.gather(*(journal.close() for journal in several))


async def test_sixteen_gateways_that_start_in_turn_count_on_sixteen_shards(
    postgres_url: str,
) -> None:
    shards = set()
    for _ in range(16):
        journal = PostgresJournal(postgres_url)
        await journal.open(now=0.0)
        shards.add(journal._sessions._shard)
        await journal.close()
    assert len(shards) == figures.SHARDS


async def test_gateways_agree_on_their_newest_key(postgres_url: str) -> None:
    journal = PostgresJournal(postgres_url)
    await journal.open(now=0.0)
    assert await agree(journal, "key", newest="1", known=["1"])
    assert await agree(journal, "key", newest="1", known=["1"])
    assert await agree(journal, "key", newest="2", known=["2", "1"])
    # One that was not given the newest key, and one that was, but does not use it yet.
    assert not await agree(journal, "key", newest="1", known=["1"])
    assert await agree(journal, "key", newest="1", known=["1", "2"])
    assert not await agree(journal, "key", newest="9", known=["9"])
    await journal.close()
