"""The in-memory reference alone: group commits by its hook, and what a crash takes back."""

import asyncio

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, JournalBroken
from gateway.journal.memory import MemoryJournal
from tests.journal.entries import DELIVERED, entry


class Disk:
    """Commits that take until ``sync`` is called."""

    def __init__(self) -> None:
        self.commits = 0
        self._turn = asyncio.Event()
        self._turn.set()

    def stall(self) -> None:
        self._turn.clear()

    def sync(self) -> None:
        self._turn.set()

    async def commit(self) -> None:
        self.commits += 1
        await self._turn.wait()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def journal(disk: Disk) -> MemoryJournal:
    journal = MemoryJournal(commit=disk.commit)
    await journal.open(now=0.0)
    await journal.accept(entry(1), sending=True)
    disk.stall()
    return journal


async def start(*calls: object) -> list[asyncio.Future[object]]:
    started = [asyncio.ensure_future(call) for call in calls]  # type: ignore[call-overload]
    for _ in range(5):
        await asyncio.sleep(0)
    return started


async def test_nothing_and_no_read_of_it_is_answered_before_its_commit(
    journal: MemoryJournal, disk: Disk
) -> None:
    calls = await start(
        journal.accept(entry(2), sending=False),
        journal.find(entry(2).id),
        journal.accept(entry(3, identity="identity-2"), sending=False),
    )
    assert not any(call.done() for call in calls)
    disk.sync()
    await asyncio.gather(*calls)


async def test_those_who_come_during_a_commit_share_the_next_one(
    journal: MemoryJournal, disk: Disk
) -> None:
    before = disk.commits
    calls = await start(*(journal.accept(entry(n), sending=False) for n in range(2, 50)))
    disk.sync()
    await asyncio.gather(*calls)
    assert disk.commits - before <= 2


async def test_a_crash_takes_back_what_was_not_committed_and_only_that(
    journal: MemoryJournal, disk: Disk
) -> None:
    calls = await start(
        journal.accept(entry(2), sending=False),
        journal.change(entry(1).id, DELIVERED, now=2.0),
        journal.remember("pause", "yes"),
    )
    journal.crash()
    disk.sync()  # too late: that commit never reached the disk
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [JournalBroken] * 3
    assert await journal.open(now=9.0) == 1
    assert await journal.find(entry(2).id) is None
    assert await journal.recall("pause") is None
    first = await journal.load(entry(1).id)
    assert first is not None
    assert (first.life.status, first.body) == (Status.IN_DOUBT, entry(1).body)
    assert (await journal.totals()).accepted == 1


async def test_a_commit_of_before_the_crash_adds_nothing_after_it(
    journal: MemoryJournal, disk: Disk
) -> None:
    (late,) = await start(journal.accept(entry(2), sending=False))
    journal.crash()
    opening = asyncio.ensure_future(journal.open(now=9.0))
    disk.sync()
    await opening
    with pytest.raises(JournalBroken):
        await late
    journal.crash()
    await journal.open(now=10.0)
    assert await journal.find(entry(2).id) is None


async def test_a_caller_cancelled_while_it_commits_leaves_the_work_to_the_next(
    journal: MemoryJournal, disk: Disk
) -> None:
    leader, follower = await start(
        journal.accept(entry(2), sending=False), journal.accept(entry(3), sending=False)
    )
    leader.cancel()
    disk.sync()
    assert await follower == Accepted(Status.PENDING)
    journal.crash()
    await journal.open(now=9.0)
    assert (await journal.totals()).accepted == 3
