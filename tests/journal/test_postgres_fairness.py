"""Stations' lines on PostgreSQL: one for all gateways, exact in a batch, and made for old rows."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.core.shares import FREE
from gateway.journal.contract import Accepted, Entry, Existing
from gateway.journal.postgres import PostgresJournal
from gateway.journal.postgres.opening import migrations
from gateway.journal.postgres.session import Session
from tests.journal.entries import CANCELLED, DEAD, DELIVERED
from tests.journal.test_sharing import accept, flood, other
from tests.support.postgres import Server

Pair = tuple[PostgresJournal, PostgresJournal]


@pytest.fixture
async def pair(postgres_url: str) -> AsyncIterator[Pair]:
    """Two gateways' journals; the first delivers."""
    both = (PostgresJournal(postgres_url, name="a"), PostgresJournal(postgres_url, name="b"))
    for journal in both:
        await journal.open(now=0.0)
    yield both
    for journal in both:
        await journal.close()


async def at_once(journal: PostgresJournal, entries: list[Entry]) -> list[float | None]:
    """Where each went; None: it was known."""
    answers = await asyncio.gather(*(journal.accept(each, sending=False) for each in entries))
    return [answer.rank if isinstance(answer, Accepted) else None for answer in answers]


async def test_a_flood_over_two_gateways_is_one_flood(pair: Pair) -> None:
    first, second = pair
    entries = flood(FREE + 4)
    for number, each in enumerate(entries[:FREE]):
        assert await accept(pair[number % 2], each) == [100.0]
    assert await accept(first, entries[FREE]) == [101.0]
    assert await accept(second, entries[FREE + 1]) == [102.0]
    assert await accept(second, other(1, at=100.5)) == [100.5]
    # What one gateway delivers frees a place for what the other takes in.
    for each in entries[:3]:
        await first.begin(each.id, now=101.0)
        assert await first.change(each.id, DELIVERED, now=101.0)
    assert await accept(second, entries[FREE + 2]) == [102.0]


async def test_each_of_a_batch_goes_behind_the_one_before_it(pair: Pair) -> None:
    ranks = await at_once(pair[0], flood(FREE + 20))
    assert ranks == [100.0] * FREE + [100.0 + n for n in range(1, 21)]


async def test_what_is_known_takes_no_place_in_a_batch(pair: Pair) -> None:
    first, second = pair
    entries = flood(FREE + 2)
    await accept(first, *entries[: FREE - 1])
    twice = entries[FREE - 1]
    batch = [*entries[: FREE - 1], twice, twice, twice, *entries[FREE:]]
    ranks = await at_once(second, batch)
    assert ranks == [*[None] * (FREE - 1), 100.0, None, None, 101.0, 102.0]
    assert isinstance(await first.accept(twice, sending=False), Existing)


async def test_a_commit_that_was_not_heard_of_is_told_with_the_place_that_it_got(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = pair
    await accept(first, *flood(FREE))
    commit = Session.commit

    async def unheard(session: Session) -> None:
        await commit(session)
        if session.changed:
            monkeypatch.setattr(Session, "commit", commit)
            session.connection.terminate()
            raise ConnectionResetError

    monkeypatch.setattr(Session, "commit", unheard)
    assert await accept(first, *flood(1, start=FREE)) == [101.0]
    assert await accept(first, *flood(1, start=FREE + 1)) == [102.0]


async def test_a_dead_letter_leaves_its_line_and_one_cancelled_after_it_leaves_nothing_twice(
    pair: Pair, postgres_server: Server, postgres_url: str
) -> None:
    first, second = pair
    await accept(first, *flood(3))
    await first.change(flood(1)[0].id, DEAD, now=101.0)
    assert await second.change(flood(1)[0].id, CANCELLED, now=102.0)
    assert await second.change(flood(2)[1].id, CANCELLED, now=102.0)
    schema = postgres_url.rpartition("=")[2]
    assert postgres_server.sql(f"SELECT sum(waiting) FROM {schema}.station") == "1"  # noqa: S608 - our own name


async def test_what_waited_before_lines_were_kept_is_in_them(
    postgres_url: str, postgres_server: Server
) -> None:
    schema = postgres_url.rpartition("=")[2]
    old = (
        f"SET search_path = {schema}; {migrations()[0].script};"  # noqa: S608 - our own name
        "CREATE TABLE journal_schema (one BOOLEAN PRIMARY KEY, version INTEGER,"
        " compatible INTEGER);"
        "INSERT INTO journal_schema VALUES (true, 1, 1);"
        "INSERT INTO enrollment (id, identity, fingerprint, station, status, phase, priority, rank,"
        " attempts, size, accepted_at, next_attempt_at)"
        " SELECT gen_random_uuid(), decode(md5(n::text), 'hex'), 'x', 'station-0',"
        " CASE WHEN n <= 20 THEN 'pending' ELSE 'delivered' END,"
        " CASE WHEN n <= 20 THEN 'ready' ELSE 'done' END,"
        " 4, 3600 + 100 + n, 0, 16, 100, 100 FROM generate_series(1, 30) n"
    )
    postgres_server.sql(old)
    new = PostgresJournal(postgres_url)
    await new.open(now=0.0)
    assert await accept(new, *flood(2)) == [121.0, 122.0]
    assert await accept(new, other(1, at=101.0)) == [101.0]
    await new.close()
