"""A commit whose wait for the standbys was broken off stands on one disk, and is told to nobody."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, Existing
from gateway.journal.postgres import PostgresJournal
from tests.journal.conftest import new_place
from tests.journal.entries import entry
from tests.journal.test_postgres_sharing import until
from tests.support.postgres import PATIENCE, Server, one_server

WAITING: Final = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE"
Pair = tuple[PostgresJournal, PostgresJournal]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One of its own: for a while it waits for standbys that there are not."""
    with one_server() as server:
        yield server


@pytest.fixture
async def pair(server: Server) -> AsyncIterator[Pair]:
    """Two gateways' journals; the first delivers. No standby confirms what they write."""
    url = new_place(server)
    both = (PostgresJournal(url, name="a"), PostgresJournal(url, name="b"))
    for journal in both:
        await journal.open(now=0.0)
    require(server, "ANY 1 (nobody)")
    yield both
    require(server, "")
    for journal in both:
        await journal.close()


def require(server: Server, standbys: str) -> None:
    """Let commits wait for these, and those that wait already look again."""
    for statement in (
        f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'",
        "SELECT pg_reload_conf()",
    ):
        server.sql(statement)
    deadline = time.monotonic() + PATIENCE
    while server.sql("SHOW synchronous_standby_names") != standbys:
        assert time.monotonic() < deadline, server.tail()


def waiting(server: Server, journal: PostgresJournal) -> set[str]:
    """Its sessions whose commit waits for a standby."""
    return set(server.sql(f"SELECT pid {WAITING} '% {journal.name}'").split())


async def test_a_wait_that_was_broken_off_is_asked_again_and_promises_nothing_meanwhile(
    pair: Pair, server: Server
) -> None:
    first, second = pair
    accepting = asyncio.create_task(first.accept(entry(1), sending=True))
    await until(lambda: waiting(server, first) != set())
    (session,) = waiting(server, first)
    server.sql(f"SELECT pg_cancel_backend({session})")
    # It is on this disk now, and anybody can see it; so it is asked again, and waits again.
    await until(lambda: accepting.done() or bool(waiting(server, first) - {session}))
    assert not accepting.done()
    assert row(server, second) == "sending"
    # Another gateway that finds it tells nobody, either.
    again = asyncio.create_task(second.accept(entry(9, identity="identity-1"), sending=False))
    await until(lambda: again.done() or waiting(server, second) != set())
    assert not again.done()
    require(server, "")
    assert await accepting == Accepted(Status.SENDING)
    found = await again
    assert isinstance(found, Existing)
    assert found.kept.life.id == entry(1).id
    assert (await second.totals()).accepted == 1


def row(server: Server, journal: PostgresJournal) -> str:
    """The status of the only row, as another session sees it."""
    schema = journal._url.rpartition("=")[2]
    return server.sql(f"SELECT status FROM {schema}.enrollment")  # noqa: S608 - our own name
