"""What a server's own settings promise; and that one which promises too little is refused."""

import time

import pytest

from gateway.journal.contract import JournalFault
from gateway.journal.postgres import NotDurable, PostgresJournal
from gateway.journal.postgres.durability import durability
from tests.journal.entries import entry
from tests.journal.test_postgres_commit import end_sessions
from tests.support.postgres import PATIENCE, Server


@pytest.mark.parametrize(
    ("commit", "standbys", "connected", "expected"),
    [
        ("on", "", 0, "fsync"),
        ("on", None, 0, "fsync"),
        ("local", "ANY 1 (b, c)", 2, "fsync"),
        ("remote_write", "ANY 1 (b, c)", 2, "fsync"),  # in a standby's memory is on no disk
        ("on", "ANY 1 (b, c)", 2, "quorum"),
        ("remote_apply", "ANY 1 (b, c)", 2, "quorum"),
        ("on", "FIRST 1 (b, c)", 2, "quorum"),
        ("on", "first 2 (b, c, d)", 3, "quorum"),
        ("on", "b", 1, "quorum"),
        ("on", "b, c", 2, "quorum"),
        ("on", '2 ("b", c)', 2, "quorum"),
        ("on", "ANY 1 (b, c, d)", 3, "fsync"),  # two of four are no majority
        ("on", "ANY 2 (b, c, d)", 3, "quorum"),
        ("on", "ANY 1 (*)", 2, "quorum"),
        ("on", "*", 4, "fsync"),
        ("on", "ANY 1 (*)", 0, "quorum"),
        ("on", "ANY 0 (b)", 1, "fsync"),
    ],
)
def test_quorum_is_said_only_of_a_majority_of_disks(
    commit: str, standbys: str | None, connected: int, expected: str
) -> None:
    told = durability(synchronous_commit=commit, fsync="on", standbys=standbys, connected=connected)
    assert told == expected


@pytest.mark.parametrize(("commit", "fsync"), [("off", "on"), ("on", "off"), ("?", "on")])
def test_a_commit_that_is_answered_too_early_is_refused(commit: str, fsync: str) -> None:
    with pytest.raises(NotDurable, match=r"Set (synchronous_commit|fsync) = on"):
        durability(synchronous_commit=commit, fsync=fsync, standbys="ANY 1 (b, c)", connected=2)


async def test_asynchronous_commit_is_refused_when_it_opens(postgres_url: str) -> None:
    careless = PostgresJournal(f"{postgres_url}&synchronous_commit=off")
    with pytest.raises(NotDurable, match="synchronous_commit = off"):
        await careless.open(now=0.0)


async def test_a_new_session_takes_nothing_in_before_it_has_looked(
    postgres_url: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a failover to a careless server, before anybody has asked for the turn."""
    journal = PostgresJournal(postgres_url)
    await journal.open(now=0.0)
    try:
        commit(postgres_server, "off")
        end_sessions(postgres_server, journal)
        with monkeypatch.context() as short:
            short.setattr(journal._calls, "_patience", 1.0)
            with pytest.raises(JournalFault):
                await journal.accept(entry(1), sending=False)
    finally:
        commit(postgres_server, "on")
    await journal.accept(entry(2), sending=False)
    assert [life.id for life in await journal.list()] == [entry(2).id]
    await journal.close()


async def test_asynchronous_commit_that_comes_later_stops_intake_until_it_goes(
    postgres_url: str, postgres_server: Server
) -> None:
    journal = PostgresJournal(postgres_url)
    await journal.open(now=0.0)
    assert journal.durability == "fsync"
    try:
        commit(postgres_server, "off")
        with pytest.raises(NotDurable):
            await journal.turn(now=1.0, word="")
        with pytest.raises(JournalFault, match="synchronous_commit"):
            await journal.accept(entry(1), sending=False)
    finally:
        commit(postgres_server, "on")
    await journal.turn(now=2.0, word="")
    await journal.accept(entry(2), sending=False)
    assert (await journal.totals()).accepted == 1
    await journal.close()


def commit(server: Server, how: str) -> None:
    """Let every session commit so from its next statement on."""
    server.sql(f"ALTER SYSTEM SET synchronous_commit = {how}")
    server.sql("SELECT pg_reload_conf()")
    deadline = time.monotonic() + PATIENCE
    while server.sql("SHOW synchronous_commit") != how:
        assert time.monotonic() < deadline, server.tail()
