"""Several gateways on one journal: one truth, and one that delivers."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.core.lease import LeaseTimes
from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, Existing
from gateway.journal.postgres import PostgresJournal, lease
from gateway.journal.postgres.session import Session
from gateway.journal.sharing import Hint
from tests.journal.entries import ANSWER, CANCELLED, DEAD, DELIVERED, entry, once, to
from tests.support.clock import ManualClock
from tests.support.postgres import Server

TIMES = LeaseTimes(life=5.0, margin=1.0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def pair(
    postgres_url: str, clock: ManualClock
) -> AsyncIterator[tuple[PostgresJournal, PostgresJournal]]:
    """Two gateways' journals; the first delivers."""
    both = [
        PostgresJournal(postgres_url, name=name, clock=clock, times=TIMES) for name in ("a", "b")
    ]
    for journal in both:
        await journal.open(now=0.0)
    yield both[0], both[1]
    for journal in both:
        await journal.close()


Pair = tuple[PostgresJournal, PostgresJournal]


async def test_the_first_to_open_delivers_and_the_others_know_it(pair: Pair) -> None:
    first, second = pair
    assert (first.may_send(), second.may_send()) == (True, False)
    turn = await second.turn(now=1.0, word="ignored")
    assert (turn.mine, turn.holder, turn.word) == (False, "a", "")
    await first.turn(now=1.0, word="all is well")
    assert (await second.turn(now=1.0, word="")).word == "all is well"


async def test_the_turn_is_taken_when_the_holder_is_silent_for_its_life(
    pair: Pair, clock: ManualClock
) -> None:
    first, second = pair
    await first.accept(entry(1), sending=True)
    clock.advance(4.9)
    assert not (await second.turn(now=1.0, word="")).mine
    clock.advance(0.2)
    assert not first.may_send()
    taken = await second.turn(now=50.0, word="")
    assert (taken.mine, taken.epoch, taken.recovered) == (True, 2, 1)
    assert second.may_send()
    found = await second.find(entry(1).id)
    assert found is not None
    assert (found.life.status, found.life.next_attempt_at) == (Status.IN_DOUBT, 50.0)


async def test_a_renewal_keeps_the_turn(pair: Pair, clock: ManualClock) -> None:
    first, second = pair
    for _ in range(4):
        clock.advance(3.0)
        assert (await first.turn(now=1.0, word="")).mine
        assert not (await second.turn(now=1.0, word="")).mine


async def test_nothing_is_written_under_an_old_turn(pair: Pair, clock: ManualClock) -> None:
    first, second = pair
    await first.accept(entry(1), sending=True)
    await first.accept(entry(2), sending=False)
    clock.advance(6.0)
    assert (await second.turn(now=50.0, word="")).mine
    # The old one knows nothing of it yet.
    outcome, intent, live = await asyncio.gather(
        first.change(entry(1).id, DELIVERED, now=51.0),
        first.begin(entry(2).id, now=51.0),
        first.accept(entry(3), sending=True),
    )
    assert (outcome, intent, live) == (False, None, Accepted(Status.PENDING))
    lives = {life.id: life.status for life in await second.list()}
    assert lives == {
        entry(1).id: Status.IN_DOUBT,
        entry(2).id: Status.PENDING,
        entry(3).id: Status.PENDING,
    }
    assert not (await first.turn(now=52.0, word="")).mine
    assert not first.may_send()


async def test_a_turn_given_back_is_taken_at_once(pair: Pair) -> None:
    first, second = pair
    await first.resign()
    assert not first.may_send()
    assert (await second.turn(now=1.0, word="")).mine


async def test_closing_gives_the_turn_back(pair: Pair) -> None:
    first, second = pair
    await first.close()
    assert (await second.turn(now=1.0, word="")).mine


async def test_only_the_one_that_delivers_writes_what_delivery_does(pair: Pair) -> None:
    first, second = pair
    assert await second.accept(entry(1), sending=True) == Accepted(Status.PENDING)
    assert await second.begin(entry(1).id, now=2.0) is None
    assert await second.change(entry(1).id, DEAD, now=2.0) is False
    assert await first.begin(entry(1).id, now=2.0) is not None


async def test_what_operators_decide_is_written_by_any(pair: Pair) -> None:
    first, second = pair
    await first.accept(entry(1), sending=False)
    await first.accept(entry(2), sending=False)
    await first.change(entry(2).id, DEAD, now=2.0)
    assert await second.change(entry(1).id, CANCELLED, now=3.0)
    assert await second.change(entry(2).id, to(Status.PENDING, at=3.0), now=3.0)


async def test_one_of_two_records_what_both_saw(pair: Pair) -> None:
    first, second = pair
    made = await asyncio.gather(once(first, None, "1"), once(second, None, "1"))
    assert sum(record is not None for record in made) == 1
    assert len(await first.audit_list()) == 1
    assert await second.recall("seen") == "1"


async def test_all_tell_the_same_sums_notes_and_lists(pair: Pair) -> None:
    first, second = pair
    await first.accept(entry(1), sending=True)
    await second.accept(entry(2), sending=False)
    await first.change(entry(1).id, DELIVERED, now=3.0)
    await second.remember("pause", "yes")
    await second.audit("ana", "pause", "upstream", "", now=4.0)
    await first.audit("budi", "resume", "upstream", "", now=5.0)
    assert await first.totals() == await second.totals()
    assert (await first.totals()).accepted == 2
    assert await first.list() == await second.list()
    assert await first.recall("pause") == "yes"
    assert await first.usage() == await second.usage()
    assert [record.seq for record in await second.audit_list()] == [2, 1]


async def test_one_identity_at_two_gateways_at_once_is_one_enrollment(pair: Pair) -> None:
    offers = [
        pair[number % 2].accept(entry(number, identity=f"same-{number // 10}"), sending=False)
        for number in range(1, 100)
    ]
    answers = await asyncio.gather(*offers)
    assert sum(isinstance(answer, Accepted) for answer in answers) == 10
    assert sum(isinstance(answer, Existing) for answer in answers) == 89
    assert (await pair[0].totals()).accepted == 10


async def test_a_line_over_two_gateways_goes_one_at_a_time(pair: Pair) -> None:
    first, second = pair
    await asyncio.gather(
        *(
            pair[number % 2].accept(entry(number, line="x"), sending=False)
            for number in range(1, 21)
        )
    )
    delivered = 0
    while due := (await first.due(now=30.0, limit=99)).items:
        assert len(due) == 1
        assert await first.begin(due[0].id, now=30.0)
        # Somebody comes to the end of the line at the very moment in which its head leaves.
        late = entry(100 + delivered, line="x")
        coming = second.accept(late, sending=False) if delivered < 10 else second.totals()
        done, _ = await asyncio.gather(first.change(due[0].id, DELIVERED, now=31.0), coming)
        assert done
        delivered += 1
    assert delivered == 30


async def test_of_two_that_find_the_turn_free_one_takes_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    await first.resign()
    both, looked = asyncio.Barrier(2), lease.look

    async def together(connection: lease.Connection) -> lease.Row:
        row = await looked(connection)
        if row.holder is None:
            await both.wait()
        return row

    monkeypatch.setattr(lease, "look", together)
    turns = await asyncio.gather(first.turn(now=1.0, word=""), second.turn(now=1.0, word=""))
    assert sorted(turn.mine for turn in turns) == [False, True]
    assert {turn.epoch for turn in turns} == {2}
    assert sorted(journal.may_send() for journal in pair) == [False, True]


async def test_the_turn_does_not_change_hands_between_an_intent_and_its_commit(
    pair: Pair, clock: ManualClock, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    commit, may_go, is_there = Session.commit, asyncio.Event(), asyncio.Event()

    async def slowly(session: Session) -> None:
        if session.delivers:
            is_there.set()
            await may_go.wait()
        await commit(session)

    monkeypatch.setattr(Session, "commit", slowly)
    intent = asyncio.create_task(first.accept(entry(1), sending=True))
    await is_there.wait()
    clock.advance(6.0)
    taking = asyncio.create_task(second.turn(now=50.0, word=""))
    waits = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND application_name = 'enrollment-gateway b'"
    )
    while not taking.done():
        if await asyncio.to_thread(postgres_server.sql, waits) != "0":
            break
    may_go.set()
    assert await intent == Accepted(Status.SENDING)
    # Its intent stood before the turn went, so that it is in doubt now, and not forgotten.
    assert ((await taking).mine, (await taking).recovered) == (True, 1)
    assert [life.status for life in await second.list()] == [Status.IN_DOUBT]


async def test_hints_tell_the_others_what_came_and_what_ended(pair: Pair) -> None:
    first, second = pair
    heard: dict[str, list[tuple[Hint, Sequence[str]]]] = {"a": [], "b": []}
    first.listen(lambda hint, ids: heard["a"].append((hint, ids)))
    second.listen(lambda hint, ids: heard["b"].append((hint, ids)))
    await listening(pair)
    for kept in heard.values():
        kept.clear()
    await second.accept(entry(1), sending=False)
    await until(lambda: (Hint.DUE, []) in heard["a"])
    assert await first.begin(entry(1).id, now=2.0)
    await first.change(entry(1).id, DELIVERED, now=3.0)
    await until(lambda: (Hint.ENDED, [entry(1).id]) in heard["b"])
    (ended,) = await second.ended([entry(1).id, entry(2).id])
    assert (ended.life.status, ended.answer) == (Status.DELIVERED, ANSWER)


async def listening(pair: Pair) -> None:
    """Until both hear each other."""
    heard: set[str] = set()
    pair[0].listen(lambda *_: heard.add("a"))
    pair[1].listen(lambda *_: heard.add("b"))
    deadline = asyncio.get_running_loop().time() + 60.0
    while heard != {"a", "b"}:
        assert asyncio.get_running_loop().time() < deadline
        pair[0].tell(Hint.TOLD)
        pair[1].tell(Hint.TOLD)
        await asyncio.sleep(0.05)


async def until(condition: object, seconds: float = 60.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():  # type: ignore[operator]
        assert asyncio.get_running_loop().time() < deadline, "it did not come to hold"
        await asyncio.sleep(0.01)
