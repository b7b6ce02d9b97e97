"""Commits whose answer is lost, sessions that break: asked again, and never done twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, Existing, JournalFault
from gateway.journal.postgres import PostgresJournal
from gateway.journal.postgres.session import Session
from tests.journal.entries import CANCELLED, DELIVERED, entry, to
from tests.support.postgres import PATIENCE, Server


@pytest.fixture
async def journal(postgres_url: str) -> AsyncIterator[PostgresJournal]:
    store = PostgresJournal(postgres_url)
    await store.open(now=0.0)
    yield store
    await store.close()


@pytest.fixture(params=["before the commit", "after the commit"])
def break_once(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Breaks the session at the next commit that changes something, either side of it."""
    commit = Session.commit
    armed = False

    async def breaks(session: Session) -> None:
        nonlocal armed
        if not (armed and session.changed):
            return await commit(session)
        armed = False
        if request.param == "after the commit":
            await commit(session)
        session.connection.terminate()
        raise ConnectionResetError

    def arm() -> None:
        nonlocal armed
        armed = True

    monkeypatch.setattr(Session, "commit", breaks)
    return arm


@pytest.mark.fault(
    41,
    did="cut the session right before and right after the server committed",
    sees="the enrollment is accepted once, with the same id",
    stand_in="the session, cut by the test at its commit",
)
async def test_an_enrollment_whose_commit_was_not_heard_of_is_accepted_once(
    journal: PostgresJournal, break_once: Callable[[], None]
) -> None:
    break_once()
    assert await journal.accept(entry(1), sending=True) == Accepted(Status.SENDING)
    assert (await journal.totals()).accepted == 1
    again = await journal.accept(entry(9, identity="identity-1"), sending=False)
    assert isinstance(again, Existing)
    assert again.kept.life.id == entry(1).id


async def test_a_whole_batch_is_asked_again(
    journal: PostgresJournal, break_once: Callable[[], None]
) -> None:
    await journal.accept(entry(1, identity="known"), sending=False)
    break_once()
    answers = await asyncio.gather(
        *(journal.accept(entry(number), sending=number % 2 == 0) for number in range(2, 30)),
        journal.accept(entry(30, identity="known"), sending=False),
    )
    expected = [Accepted(Status.PENDING if n % 2 else Status.SENDING) for n in range(2, 30)]
    assert answers[:-1] == expected
    assert isinstance(answers[-1], Existing)
    totals = await journal.totals()
    assert totals.accepted == sum(totals.by_status.values()) == 29


async def test_an_intent_an_outcome_and_a_record_are_written_once(
    journal: PostgresJournal, break_once: Callable[[], None]
) -> None:
    await journal.accept(entry(1), sending=False)
    break_once()
    begun = await journal.begin(entry(1).id, now=5.0)
    assert begun is not None
    assert (begun.life.attempts, begun.body) == (1, entry(1).body)
    break_once()
    assert await journal.change(entry(1).id, to(Status.PENDING, at=9.0), now=6.0)
    assert await journal.begin(entry(1).id, now=9.0)
    break_once()
    assert await journal.change(entry(1).id, DELIVERED, now=10.0)
    break_once()
    await journal.audit("ana", "pause", "", "", now=11.0)
    assert len(await journal.audit_list()) == 1
    found = await journal.find(entry(1).id)
    assert found is not None
    assert (found.life.status, found.life.attempts) == (Status.DELIVERED, 2)
    assert (await journal.totals()).by_status[Status.DELIVERED] == 1


async def test_what_another_decided_meanwhile_is_not_taken_for_ones_own(
    journal: PostgresJournal, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one's change is lost before its commit, and asked again after the second's."""
    await journal.accept(entry(1), sending=False)
    other, commit = PostgresJournal(postgres_url), Session.commit
    await other.open(now=0.0)

    async def breaks(session: Session) -> None:
        if session.connection is not journal_session or not session.changed:
            return await commit(session)
        monkeypatch.setattr(Session, "commit", commit)
        session.connection.terminate()
        assert await other.change(entry(1).id, CANCELLED, now=4.0)
        raise ConnectionResetError

    assert journal._calls.writer is not None
    assert journal._calls.writer._session is not None
    journal_session = journal._calls.writer._session.connection
    monkeypatch.setattr(Session, "commit", breaks)
    assert await journal.change(entry(1).id, CANCELLED, now=5.0) is False
    await other.close()


async def test_an_intent_that_was_committed_after_its_caller_gave_up_is_taken_back(
    journal: PostgresJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, gave_up = Session.commit, asyncio.Event()

    async def unheard(session: Session) -> None:
        await commit(session)
        if session.changed:
            monkeypatch.setattr(Session, "commit", commit)
            await gave_up.wait()
            session.connection.terminate()
            raise ConnectionResetError

    monkeypatch.setattr(Session, "commit", unheard)
    with monkeypatch.context() as short:
        short.setattr(journal._calls, "_patience", 0.2)
        with pytest.raises(JournalFault):
            await journal.accept(entry(1), sending=True)
    gave_up.set()
    deadline = time.monotonic() + PATIENCE
    while [(life.status, life.reason) for life in await journal.list()] != [
        (Status.PENDING, "withdrawn")
    ]:
        assert time.monotonic() < deadline, await journal.list()


def end_sessions(server: Server, journal: PostgresJournal) -> None:
    """End every session of this journal, from the server's side, and wait until they are gone."""
    whose = f"SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%{journal.name}%'"  # noqa: S608 - our own name
    pids = set(server.sql(whose).split())
    server.sql(f"SELECT count(pg_terminate_backend(pid)) FROM ({whose}) AS those")  # noqa: S608 - as above
    deadline = time.monotonic() + PATIENCE
    while pids & set(server.sql(whose).split()):
        assert time.monotonic() < deadline, server.tail()


async def test_a_session_that_the_server_ends_is_replaced(
    journal: PostgresJournal, postgres_server: Server
) -> None:
    await journal.accept(entry(1), sending=False)
    end_sessions(postgres_server, journal)
    assert await journal.accept(entry(2), sending=False) == Accepted(Status.PENDING)
    assert (await journal.totals()).accepted == 2


async def test_an_intent_whose_caller_left_is_taken_back(
    journal: PostgresJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Session.commit
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def when_told(session: Session) -> None:
        begun.set()
        await go_on.wait()
        await commit(session)

    await journal.accept(entry(2), sending=False)
    monkeypatch.setattr(Session, "commit", when_told)
    for call in (journal.accept(entry(1), sending=True), journal.begin(entry(2).id, now=3.0)):
        begun.clear()
        go_on.clear()
        calling = asyncio.ensure_future(call)
        await begun.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        go_on.set()
    await journal.totals()
    lives = await journal.list()
    assert [(life.status, life.reason) for life in lives] == [(Status.PENDING, "withdrawn")] * 2


async def test_a_database_that_is_away_is_a_fault_after_a_while_and_nothing_is_kept(
    postgres_url: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = PostgresJournal(postgres_url)
    await journal.open(now=0.0)

    async def nowhere(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as away:
        away.setattr("gateway.journal.postgres.opening.connect", nowhere)
        end_sessions(postgres_server, journal)
        away.setattr(journal._calls, "_patience", 1.0)
        with pytest.raises(JournalFault, match="does not answer"):
            await journal.accept(entry(1), sending=False)
    assert await journal.accept(entry(2), sending=False) == Accepted(Status.PENDING)
    assert [life.id for life in await journal.list()] == [entry(2).id]
    await journal.close()


async def test_a_value_that_the_server_refuses_fails_alone_and_keeps_the_session(
    journal: PostgresJournal,
) -> None:
    answers = await asyncio.gather(
        journal.remember("fine", "1"),
        journal.remember("broken", "a\x00b"),
        journal.remember("fine too", "2"),
        return_exceptions=True,
    )
    assert [isinstance(answer, JournalFault) for answer in answers] == [False, True, False]
    assert "a\x00b" not in str(answers[1])
    assert await journal.recall("fine too") == "2"
