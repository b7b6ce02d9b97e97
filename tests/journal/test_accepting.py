"""The contract, for every store: taking in, finding again, opening and closing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import (
    Accepted,
    Existing,
    Journal,
    JournalFault,
    JournalFull,
    Life,
)
from tests.journal.entries import ANSWER, DEAD, DELIVERED, entry, once, to


async def test_a_new_enrollment_is_pending_and_due_at_once(journal: Journal) -> None:
    assert await journal.accept(entry(5), sending=False) == Accepted(Status.PENDING)
    kept = await journal.find(entry(5).id)
    assert kept is not None
    assert kept.life == Life(
        id=entry(5).id,
        station="station-2",
        status=Status.PENDING,
        attempts=0,
        priority=3,
        size=100,
        accepted_at=5.0,
        next_attempt_at=5.0,
        last_attempt_at=None,
        settled_at=None,
        reason=None,
    )
    assert [due.id for due in (await journal.due(now=5.0, limit=9)).items] == [entry(5).id]


async def test_a_live_one_is_sending_its_first_attempt_from_the_same_commit(
    journal: Journal,
) -> None:
    assert await journal.accept(entry(5), sending=True) == Accepted(Status.SENDING)
    kept = await journal.find(entry(5).id)
    assert kept is not None
    assert (kept.life.attempts, kept.life.last_attempt_at, kept.life.next_attempt_at) == (
        1,
        5.0,
        None,
    )
    assert (await journal.due(now=9.0, limit=9)).items == ()


async def test_what_was_sealed_comes_back_byte_for_byte(journal: Journal) -> None:
    handed = entry(1, size=300_000)
    await journal.accept(handed, sending=False)
    whole = await journal.load(handed.id)
    assert whole is not None
    assert (whole.fingerprint, whole.envelope, whole.body, whole.answer) == (
        handed.fingerprint,
        handed.envelope,
        handed.body,
        None,
    )


async def test_finding_by_id_or_identity_leaves_the_body_out(journal: Journal) -> None:
    await journal.accept(entry(1), sending=False)
    by_id, by_identity = (
        await journal.find(entry(1).id),
        await journal.find_identity(b"identity-1"),
    )
    assert by_id == by_identity
    assert by_id is not None
    assert by_id.body is None


async def test_what_is_unknown_is_none(journal: Journal) -> None:
    assert await journal.find("nobody") is None
    assert await journal.load("nobody") is None
    assert await journal.find_identity(b"nobody") is None
    assert await journal.begin("nobody", now=1.0) is None
    assert await journal.change("nobody", DELIVERED, now=1.0) is False


async def test_a_known_identity_is_answered_with_what_is_kept_and_changes_nothing(
    journal: Journal,
) -> None:
    await journal.accept(entry(1), sending=True)
    await journal.change(entry(1).id, DELIVERED, now=3.0)
    again = await journal.accept(entry(2, identity="identity-1"), sending=True)
    assert isinstance(again, Existing)
    assert (again.kept.life.id, again.kept.life.status) == (entry(1).id, Status.DELIVERED)
    assert (again.kept.answer, again.kept.body) == (ANSWER, None)
    assert await journal.find(entry(2).id) is None
    assert (await journal.totals()).accepted == 1


async def test_a_hundred_at_once_with_one_identity_become_one(journal: Journal) -> None:
    answers = await asyncio.gather(
        *(journal.accept(entry(n, identity="same"), sending=False) for n in range(100))
    )
    assert [type(answer) for answer in answers] == [Accepted, *[Existing] * 99]
    assert (await journal.totals()).accepted == 1


async def test_an_id_used_twice_is_a_fault_that_changes_nothing(journal: Journal) -> None:
    await journal.accept(entry(1), sending=False)
    with pytest.raises(JournalFault):
        await journal.accept(entry(1, identity="another"), sending=False)
    assert await journal.find_identity(b"another") is None
    assert (await journal.totals()).accepted == 1


async def test_one_call_that_cannot_be_done_fails_alone_and_the_sums_stay_exact(
    journal: Journal,
) -> None:
    first, wrong, last = await asyncio.gather(
        journal.accept(entry(1), sending=False),
        journal.accept(entry(1, identity="another"), sending=False),
        journal.accept(entry(2), sending=True),
        return_exceptions=True,
    )
    assert (first, last) == (Accepted(Status.PENDING), Accepted(Status.SENDING))
    assert isinstance(wrong, JournalFault)
    totals = await journal.totals()
    assert totals.accepted == 2
    assert (totals.by_status[Status.PENDING], totals.by_status[Status.SENDING]) == (1, 1)


async def test_calls_take_effect_in_the_order_called(journal: Journal) -> None:
    answers = await asyncio.gather(
        journal.find(entry(1).id),
        journal.accept(entry(1), sending=True),
        journal.find(entry(1).id),
        journal.change(entry(1).id, DELIVERED, now=2.0),
        journal.find(entry(1).id),
        journal.totals(),
    )
    before, _, accepted, changed, after, totals = answers
    assert before is None
    assert accepted is not None
    assert accepted.life.status is Status.SENDING
    assert changed is True
    assert after is not None
    assert after.life.status is Status.DELIVERED
    assert totals.by_status[Status.DELIVERED] == 1


async def test_a_caller_that_is_cancelled_takes_nothing_back(journal: Journal) -> None:
    calls = [asyncio.ensure_future(journal.accept(entry(n), sending=False)) for n in range(1, 6)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert (await journal.totals()).accepted == 5


async def test_what_was_sending_is_in_doubt_and_due_when_opened_again(journal: Journal) -> None:
    await journal.accept(entry(1), sending=True)
    await journal.accept(entry(2), sending=False)
    await journal.accept(entry(3), sending=False)
    await journal.begin(entry(3).id, now=4.0)
    await journal.close()
    assert await journal.open(now=50.0) == 2
    kept = await journal.find(entry(3).id)
    assert kept is not None
    assert (kept.life.status, kept.life.attempts, kept.life.next_attempt_at, kept.life.reason) == (
        Status.IN_DOUBT,
        1,
        50.0,
        "gateway-restarted",
    )
    due = (await journal.due(now=50.0, limit=9)).items
    assert [(each.id, each.reason) for each in due] == [
        (entry(1).id, "gateway-restarted"),
        (entry(2).id, None),
        (entry(3).id, "gateway-restarted"),
    ]
    assert (await journal.totals()).by_status[Status.IN_DOUBT] == 2


async def test_everything_is_still_there_when_opened_again(journal: Journal) -> None:
    await journal.accept(entry(1, line="a"), sending=False)
    await journal.accept(entry(2, line="a"), sending=False)
    await journal.accept(entry(3), sending=True)
    await journal.change(entry(3).id, DELIVERED, now=5.0)
    await journal.accept(entry(4), sending=True)
    await journal.change(entry(4).id, to(Status.PENDING, at=70.0), now=5.0)
    await journal.remember("pause", "yes")
    await journal.audit("ana", "pause", "", "", now=6.0)

    async def seen() -> object:
        return (
            await journal.list(),
            await journal.load(entry(1).id),
            await journal.load(entry(3).id),
            await journal.due(now=20.0, limit=9),
            await journal.totals(),
            await journal.recall("pause"),
            await journal.audit_list(),
        )

    before = await seen()
    await journal.close()
    assert await journal.open(now=20.0) == 0
    assert await seen() == before


async def test_closing_twice_is_closing_once_and_waits_for_what_was_called(
    journal: Journal,
) -> None:
    call = asyncio.ensure_future(journal.accept(entry(1), sending=False))
    await asyncio.sleep(0)
    await journal.close()
    await journal.close()
    assert await call == Accepted(Status.PENDING)
    await journal.open(now=9.0)
    assert (await journal.totals()).accepted == 1


Use = Callable[[Journal], Awaitable[object]]
USES: dict[str, Use] = {
    "accept": lambda journal: journal.accept(entry(1), sending=False),
    "find": lambda journal: journal.find("x"),
    "find_identity": lambda journal: journal.find_identity(b"x"),
    "load": lambda journal: journal.load("x"),
    "due": lambda journal: journal.due(now=1.0, limit=1),
    "begin": lambda journal: journal.begin("x", now=1.0),
    "change": lambda journal: journal.change("x", DEAD, now=1.0),
    "totals": lambda journal: journal.totals(),
    "list": lambda journal: journal.list(),
    "usage": lambda journal: journal.usage(),
    "forget": lambda journal: journal.forget(settled_before=1.0, limit=1),
    "remember": lambda journal: journal.remember("x", "y"),
    "recall": lambda journal: journal.recall("x"),
    "audit": lambda journal: journal.audit("a", "b", "c", "d", now=1.0),
    "audit_once": lambda journal: once(journal, None, "1"),
    "audit_list": lambda journal: journal.audit_list(),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_no_method_works_once_it_is_closed(journal: Journal, use: Use) -> None:
    await journal.close()
    with pytest.raises(JournalFault):
        await use(journal)


async def test_an_open_journal_is_not_opened_a_second_time(journal: Journal) -> None:
    with pytest.raises(JournalFault, match="open already"):
        await journal.open(now=1.0)
    assert (await journal.totals()).accepted == 0


async def test_at_its_limit_it_is_full_but_answers_known_identities_and_takes_outcomes(
    make: Callable[[int], Journal],
) -> None:
    limit = 2_000_000
    small = make(limit)
    await small.open(now=0.0)
    offers = [small.accept(entry(number, size=100_000), sending=True) for number in range(1, 50)]
    answers = await asyncio.gather(*offers, return_exceptions=True)
    taken = sum(isinstance(answer, Accepted) for answer in answers)
    assert all(isinstance(answer, JournalFull) for answer in answers[taken:])
    assert (await small.totals()).accepted == taken
    assert 15 <= taken <= 20
    known = await small.accept(entry(999, identity="identity-1"), sending=False)
    assert isinstance(known, Existing)
    full = await small.usage()
    assert 0.9 * limit < full.used <= limit == full.limit
    # Bodies that are delivered leave, and make room for the next.
    for number in range(1, taken + 1):
        assert await small.change(entry(number).id, DELIVERED, now=100.0)
    assert (await small.usage()).used < full.used / 2
    assert await small.accept(entry(500, size=100_000), sending=False) == Accepted(Status.PENDING)
    await small.close()
