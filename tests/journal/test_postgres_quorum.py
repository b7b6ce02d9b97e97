"""A commit whose wait for the standbys was broken off stands on one disk, and is told to nobody."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

import asyncpg
import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, Existing
from gateway.journal.postgres import PostgresJournal
from tests.journal.conftest import new_place
from tests.journal.entries import entry
from tests.support.postgres import PATIENCE, Server, one_server, url_of

WAITING: Final = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND"
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
    await until_commits_wait(server)
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


async def until_commits_wait(server: Server) -> None:
    """Wait until a commit waits for the standbys that are required.

    The setting says so too early: whether commits wait is what the checkpointer has made of it, and
    that takes it up when it next has a processor.
    """
    probe = await asyncpg.connect(url_of(server))
    pid = probe.get_server_pid()
    waits = ""
    async with asyncio.timeout(PATIENCE):
        while not waits:
            commit = asyncio.create_task(
                probe.execute("SELECT pg_logical_emit_message(true, 'probe', '')")
            )
            while not (waits or commit.done()):
                waits = await asyncio.to_thread(server.sql, f"{WAITING} pid = {pid}")
            if waits:
                server.sql(f"SELECT pg_cancel_backend({pid})")
            await commit
    await probe.close()


async def waiting(
    server: Server,
    journal: PostgresJournal,
    unless: "asyncio.Task[object]",
    *,
    but: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """Wait until a commit of this journal waits for a standby; the sessions.

    Args:
        server: where.
        journal: whose.
        unless: is not to end before.
        but: a session that waited before.
    """
    whose = f"application_name LIKE '% {journal.name}'"
    deadline = time.monotonic() + PATIENCE
    while True:
        text = await asyncio.to_thread(server.sql, f"{WAITING} {whose}")
        assert not unless.done()
        if found := frozenset(text.split()) - but:
            return found
        assert time.monotonic() < deadline


async def test_a_wait_that_was_broken_off_is_asked_again_and_promises_nothing_meanwhile(
    pair: Pair, server: Server
) -> None:
    first, second = pair
    accepting = asyncio.create_task(first.accept(entry(1), sending=True))
    session = await waiting(server, first, accepting)
    server.sql(f"SELECT pg_cancel_backend({next(iter(session))})")
    # It is on this disk now, and anybody can see it; so it is asked again, and waits again.
    await waiting(server, first, accepting, but=session)
    assert row(server, second) == "sending"
    # Another gateway that finds it tells nobody, either.
    again = asyncio.create_task(second.accept(entry(9, identity="identity-1"), sending=False))
    await waiting(server, second, again)
    require(server, "")
    assert await accepting == Accepted(Status.SENDING)
    found = await again
    assert isinstance(found, Existing)
    assert found.kept.life.id == entry(1).id
    assert (await second.totals()).accepted == 1


async def test_a_restarted_server_shows_nothing_before_its_standbys_have_it(
    pair: Pair, server: Server
) -> None:
    first, second = pair
    accepting = asyncio.create_task(first.accept(entry(1), sending=False))
    await waiting(server, first, accepting)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    assert row(server, second) == "pending", "it is on this disk"
    finding = asyncio.create_task(second.find(entry(1).id))
    await waiting(server, second, finding)
    require(server, "")
    assert await finding is not None
    assert await accepting == Accepted(Status.PENDING)


def row(server: Server, journal: PostgresJournal) -> str:
    """The status of the only row, as another session sees it."""
    schema = journal._sessions._url.rpartition("=")[2]
    return server.sql(f"SELECT status FROM {schema}.enrollment")  # noqa: S608 - our own name
