"""SQLite: one commit for all that wait, and one call's fault is not the others'."""

import asyncio
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.core.facts import Fact, JournalCommitted
from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, JournalFault, JournalFull, Sealed
from gateway.journal.sqlite import SqliteJournal
from tests.journal.entries import DELIVERED, entry

ACCEPTED = Accepted(Status.PENDING)


@dataclass
class Commits:
    """What was published, and on which threads."""

    records: list[int] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def publish(self, fact: Fact) -> None:
        assert isinstance(fact, JournalCommitted)
        assert fact.seconds > 0
        self.records.append(fact.records)
        self.threads.add(threading.get_ident())


@pytest.fixture
def commits() -> Commits:
    return Commits()


@pytest.fixture
async def journal(commits: Commits, tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal.db", max_bytes=10_000_000, publish=commits.publish)
    await journal.open(now=0.0)
    commits.records.clear()  # an era's beginning is a commit, too
    yield journal
    await journal.close()


class Held:
    """The journal's thread, held in a step of its own until ``release``: no commit is made."""

    def __init__(self, journal: SqliteJournal) -> None:
        assert journal._writer is not None
        self._gate = threading.Event()
        journal._writer._disk.run(self._hold, lambda _error: None)

    def _hold(self) -> None:
        self._gate.wait(10.0)

    def release(self) -> None:
        self._gate.set()


async def test_all_that_wait_share_one_commit(journal: SqliteJournal, commits: Commits) -> None:
    held = Held(journal)
    calls = [asyncio.ensure_future(journal.accept(entry(n), sending=False)) for n in range(200)]
    await asyncio.sleep(0)
    held.release()
    assert await asyncio.gather(*calls) == [ACCEPTED] * 200
    assert sum(commits.records) == 200
    assert len(commits.records) == 1
    assert commits.threads == {threading.get_ident()}


async def test_what_is_called_in_one_turn_of_the_event_loop_is_one_commit(
    journal: SqliteJournal, commits: Commits
) -> None:
    await asyncio.gather(*(journal.accept(entry(n), sending=False) for n in range(100)))
    assert commits.records == [100]


async def test_what_nobody_waits_for_goes_with_the_next_that_somebody_does(
    journal: SqliteJournal, commits: Commits
) -> None:
    await journal.accept(entry(1), sending=True)
    outcome = asyncio.ensure_future(journal.change(entry(1).id, DELIVERED, now=2.0))
    await asyncio.sleep(0)
    await journal.accept(entry(2), sending=True)
    assert commits.records == [1, 2]
    assert outcome.done()
    assert await outcome


async def test_what_nobody_waits_for_is_durable_a_moment_later_all_the_same(
    journal: SqliteJournal, commits: Commits, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.accept(entry(1), sending=True)
    monkeypatch.setattr("gateway.journal.sqlite.writer.PATIENCE_SECONDS", 0.2)
    began = asyncio.get_running_loop().time()
    assert await journal.change(entry(1).id, DELIVERED, now=2.0)
    assert asyncio.get_running_loop().time() - began >= 0.19
    assert commits.records == [1, 1]


async def test_while_the_disk_takes_its_time_the_loop_goes_on_and_gathers(
    journal: SqliteJournal, commits: Commits
) -> None:
    held = Held(journal)
    calls = []
    for number in range(50):
        calls.append(asyncio.ensure_future(journal.accept(entry(number), sending=False)))
        await asyncio.sleep(0.002)
    assert not any(call.done() for call in calls)
    held.release()
    await asyncio.gather(*calls)
    assert len(commits.records) == 2, "the one that was held up, and all that came meanwhile"


async def test_large_bodies_are_written_and_read_beside_the_loop(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, set[int]] = {"pwritev": set(), "preadv": set(), "fdatasync": set()}

    def noting(name: str, how: Callable[..., object]) -> Callable[..., object]:
        def noted(*given: object) -> object:
            threads[name].add(threading.get_ident())
            return how(*given)

        return noted

    for name in threads:
        monkeypatch.setattr(os, name, noting(name, getattr(os, name)))
    await journal.accept(entry(1, size=100_000), sending=False)
    kept = await journal.begin(entry(1).id, now=2.0)
    assert kept is not None
    assert kept.body == entry(1, size=100_000).body
    assert all(len(seen) == 1 for seen in threads.values())
    assert threading.get_ident() not in set().union(*threads.values())


class Body(bytearray):
    """One that tells whether anybody holds it."""


async def test_nothing_of_a_batch_is_held_when_it_is_durable(journal: SqliteJournal) -> None:
    data = Body(100_000)
    held = weakref.ref(data)
    accepting = journal.accept(
        replace(entry(1), body=Sealed(b"body-key", data), size=len(data)), sending=False
    )
    del data
    await accepting
    del accepting
    await asyncio.sleep(0.1)
    assert held() is None


async def test_only_what_changes_something_is_counted_as_a_record(
    journal: SqliteJournal, commits: Commits
) -> None:
    await asyncio.gather(
        journal.totals(),
        journal.accept(entry(1), sending=True),
        journal.find(entry(1).id),
        journal.accept(entry(2, identity="identity-1"), sending=False),
        journal.change(entry(1).id, DELIVERED, now=2.0),
        journal.totals(),
    )
    assert sum(commits.records) == 2
    await journal.totals()
    await journal.list()
    assert sum(commits.records) == 2


async def test_a_call_that_fails_leaves_the_others_of_its_batch_alone(
    journal: SqliteJournal, commits: Commits
) -> None:
    await journal.accept(entry(1), sending=False)
    held = Held(journal)
    calls = [
        journal.accept(entry(2), sending=False),
        journal.accept(entry(1, identity="another"), sending=False),
        journal.accept(entry(3), sending=True),
        journal.remember("pause", "yes"),
        journal.totals(),
    ]
    waiting = asyncio.gather(*calls, return_exceptions=True)
    await asyncio.sleep(0)
    held.release()
    second, clash, third, noted, totals = await waiting
    assert (second, third, noted) == (ACCEPTED, Accepted(Status.SENDING), None)
    assert isinstance(clash, JournalFault)
    assert not isinstance(totals, BaseException)
    assert (totals.accepted, totals.by_status[Status.SENDING]) == (3, 1)  # type: ignore[union-attr]
    assert sum(commits.records) == 4
    assert await journal.recall("pause") == "yes"


async def test_a_refusal_for_lack_of_room_costs_the_others_no_commit_of_their_own(
    journal: SqliteJournal, commits: Commits
) -> None:
    held = Held(journal)
    calls = [journal.accept(entry(n), sending=False) for n in range(1, 40)]
    calls.insert(20, journal.accept(entry(99, size=11_000_000), sending=False))
    waiting = asyncio.gather(*calls, return_exceptions=True)
    await asyncio.sleep(0)
    held.release()
    answers = await waiting
    assert isinstance(answers.pop(20), JournalFull)
    assert answers == [ACCEPTED] * 39
    assert len(commits.records) <= 2


@pytest.mark.parametrize("size", [2_000, 12_000, 200_000])
async def test_what_is_delivered_gives_its_room_back_whatever_its_size(
    journal: SqliteJournal, size: int
) -> None:
    numbers = range(1, 1_600_000 // size + 20)
    accepted = (journal.accept(entry(n, size=size), sending=True) for n in numbers)
    await asyncio.gather(*accepted)
    full = (await journal.usage()).used
    for n in numbers:
        assert await journal.change(entry(n).id, DELIVERED, now=3.0)
    assert (await journal.usage()).used < full // 2


async def test_a_journal_whose_loop_ended_without_a_goodbye_lets_go_of_its_file(
    tmp_path: Path,
) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")

    async def open_and_leave() -> Held:
        await journal.open(now=0.0)
        held = Held(journal)
        call = asyncio.ensure_future(journal.accept(entry(1), sending=True))
        await asyncio.sleep(0)
        call.cancel()
        return held

    def in_a_loop_of_its_own() -> None:
        others = set(threading.enumerate())
        held = asyncio.run(open_and_leave())
        (thread,) = set(threading.enumerate()) - others
        held.release()
        thread.join(10.0)
        assert not thread.is_alive()

    await asyncio.to_thread(in_a_loop_of_its_own)
    again = SqliteJournal(tmp_path / "journal.db")
    await again.open(now=1.0)
    await again.close()


async def test_an_opening_that_is_cancelled_leaves_no_lock(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    opening = asyncio.ensure_future(SqliteJournal(tmp_path / "journal.db").open(now=0.0))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    for thread in set(threading.enumerate()) - before:
        if thread.name == "journal":
            await asyncio.to_thread(thread.join, 10.0)
    again = SqliteJournal(tmp_path / "journal.db")
    await again.open(now=1.0)
    await again.close()
