"""The contract, for every store: figures, lists, forgetting, notes, and what operators did."""

import asyncio
from dataclasses import replace

import pytest

from gateway.core.lifecycle import FINAL, Status
from gateway.journal.chain import check
from gateway.journal.contract import Accepted, AuditRecord, Change, Journal, Totals, Usage
from gateway.journal.damage import NOTE
from tests.journal.entries import DELIVERED, entry, once, to
from tests.journal.test_delivering import bring

NOTHING = dict.fromkeys(Status, 0)


async def test_an_empty_journal_has_counted_nothing(journal: Journal) -> None:
    assert await journal.totals() == Totals(0, NOTHING, dict.fromkeys(FINAL, 0), None)


async def test_every_status_is_counted_and_the_sum_is_what_was_accepted(journal: Journal) -> None:
    for number, status in enumerate(Status, start=1):
        await bring(journal, number, status)
    totals = await journal.totals()
    assert totals.accepted == 7
    assert totals.by_status == dict.fromkeys(Status, 1)
    assert totals.oldest_undelivered_at == 1.0


async def test_the_oldest_undelivered_is_pending_sending_or_in_doubt(journal: Journal) -> None:
    await bring(journal, 1, Status.DELIVERED)
    await bring(journal, 2, Status.DEAD_LETTER)
    assert (await journal.totals()).oldest_undelivered_at is None
    await bring(journal, 5, Status.IN_DOUBT)
    assert (await journal.totals()).oldest_undelivered_at == 5.0
    await journal.accept(entry(6, accepted_at=4.0), sending=True)
    assert (await journal.totals()).oldest_undelivered_at == 4.0
    await journal.accept(entry(7, accepted_at=3.0), sending=False)
    assert (await journal.totals()).oldest_undelivered_at == 3.0


async def listed(journal: Journal, **filters: object) -> list[int]:
    found = await journal.list(**filters)  # type: ignore[arg-type]
    return [int(life.id[-12:]) for life in found]


async def test_a_list_is_by_age_then_in_the_order_accepted(journal: Journal) -> None:
    for number, at in ((8, 4.0), (2, 9.0), (5, 4.0), (1, 6.0)):
        await journal.accept(entry(number, accepted_at=at), sending=number == 1)
    assert await listed(journal) == [8, 5, 1, 2]
    assert await listed(journal, limit=2) == [8, 5]
    assert await listed(journal, accepted_before=6.0) == [8, 5]
    assert await listed(journal, statuses=[Status.SENDING]) == [1]
    assert await listed(journal, statuses=[Status.PENDING, Status.SENDING]) == [8, 5, 1, 2]
    assert await listed(journal, statuses=[Status.PENDING] * 2) == [8, 5, 2]


async def test_pages_of_a_list_follow_each_other_without_gap_or_overlap(journal: Journal) -> None:
    for number in range(1, 8):
        await journal.accept(entry(number, accepted_at=number // 3), sending=number % 2 == 0)
    pages, after = [], None
    while page := await journal.list(after=after, limit=2):
        pages += [int(life.id[-12:]) for life in page]
        after = page[-1].id
    assert pages == [1, 2, 3, 4, 5, 6, 7]
    assert await listed(journal, after="nobody") == []


async def test_a_list_tells_what_find_tells(journal: Journal) -> None:
    for number, status in enumerate(Status, start=1):
        await bring(journal, number, status)
    for life in await journal.list():
        found = await journal.find(life.id)
        assert found is not None
        assert found.life == life


async def test_final_ones_are_forgotten_longest_settled_first_and_still_counted(
    journal: Journal,
) -> None:
    for number, settled in ((1, 30.0), (2, 10.0), (3, 20.0), (4, 40.0)):
        await journal.accept(entry(number), sending=True)
        await journal.change(entry(number).id, DELIVERED, now=settled)
    assert await journal.forget(settled_before=40.0, limit=2) == 2
    assert await listed(journal) == [1, 4]
    assert await journal.forget(settled_before=40.0, limit=9) == 1
    assert await journal.forget(settled_before=40.0, limit=9) == 0
    totals = await journal.totals()
    assert totals.forgotten == dict.fromkeys(FINAL, 0) | {Status.DELIVERED: 3}
    assert (totals.accepted, totals.by_status[Status.DELIVERED]) == (4, 1)
    assert await journal.find(entry(1).id) is None


async def test_what_is_not_final_is_never_forgotten(journal: Journal) -> None:
    for number, status in enumerate(Status, start=1):
        await bring(journal, number, status)
    assert await journal.forget(settled_before=1e12, limit=99) == len(FINAL)
    assert {life.status for life in await journal.list()} == set(Status) - FINAL


async def test_a_forgotten_identity_is_free_again(journal: Journal) -> None:
    await bring(journal, 1, Status.DELIVERED)
    await journal.forget(settled_before=1e12, limit=9)
    assert await journal.find_identity(b"identity-1") is None
    again = await journal.accept(entry(9, identity="identity-1"), sending=False)
    assert again == Accepted(Status.PENDING)
    assert (await journal.totals()).accepted == 2


async def test_a_note_is_kept_under_its_name_and_replaced(journal: Journal) -> None:
    assert await journal.recall("window") is None
    await journal.remember("window", "12")
    await journal.remember("pause", "")
    await journal.remember("window", "14")
    assert await journal.recall("window") == "14"
    assert await journal.recall("pause") == ""


async def test_what_operators_did_is_listed_newest_first(journal: Journal) -> None:
    assert await journal.audit_list() == ()
    for number in range(1, 5):
        await journal.audit("ana", "cancel", f"id-{number}", "why", now=float(number))
    records = list(await journal.audit_list())
    told = [AuditRecord(n, float(n), "ana", "cancel", f"id-{n}", "why") for n in (4, 3, 2, 1)]
    assert [replace(record, link="") for record in records] == told
    assert list(await journal.audit_list(limit=2)) == records[:2]
    assert list(await journal.audit_list(limit=2, before=3)) == records[2:]
    assert await journal.audit_list(limit=0) == ()
    assert await journal.audit_list(before=1) == ()


async def test_each_record_of_the_audit_is_linked_to_the_one_before(journal: Journal) -> None:
    made = [
        await journal.audit("ana", "cancel", f"id-{number}", "why", now=number + 0.1234)
        for number in range(3)
    ]
    kept = tuple(reversed(await journal.audit_list()))
    assert kept == tuple(made)
    found = check(kept)
    assert found.holds
    assert (found.records, found.unlinked, found.head) == (3, 0, made[-1].link)


async def test_what_is_noted_with_an_act_changes_with_it_or_neither_does(journal: Journal) -> None:
    first = await once(journal, None, "1")
    assert first is not None
    assert await once(journal, None, "2") is None  # someone was faster
    assert await journal.recall("seen") == "1"
    second = await once(journal, "1", "2")
    assert second is not None
    assert await once(journal, "1", "2") is None
    assert (await journal.audit_list(), await journal.recall("seen")) == ((second, first), "2")
    both = await asyncio.gather(*(once(journal, "2", value) for value in "34"))
    assert [record is None for record in both] == [False, True]
    assert check(tuple(reversed(await journal.audit_list()))).holds


async def test_usage_grows_with_what_is_kept_and_shrinks_with_what_is_delivered(
    journal: Journal,
) -> None:
    empty = await journal.usage()
    await journal.accept(entry(1, size=3_000_000), sending=True)
    full = await journal.usage()
    assert 2_900_000 < full.used - empty.used < 3_200_000
    await journal.change(entry(1).id, DELIVERED, now=5.0)
    done = await journal.usage()
    assert done.used - empty.used < 100_000


@pytest.mark.parametrize(
    ("usage", "full"),
    [
        (Usage(9, 10, None), False),
        (Usage(10, 10, None), True),
        (Usage(1, 10, 5, 6), True),
        (Usage(1, 10, 6, 6), False),
    ],
)
def test_full_is_at_the_limit_or_with_too_little_free(usage: Usage, full: bool) -> None:  # noqa: FBT001 - a table
    assert usage.full is full


def test_no_repr_shows_what_is_sealed() -> None:
    for shown in (entry(1), to(Status.DELIVERED)):
        for secret in ("key", "envelope", "answer-data"):
            assert secret not in repr(shown)


async def test_damage_counts_dead_letters_that_cannot_be_read_until_they_are_cancelled(
    journal: Journal,
) -> None:
    assert await journal.damage() == ()
    for number, reason in enumerate(("unreadable", "unreadable", "lost", "too-old"), start=1):
        await journal.accept(entry(number), sending=False)
        await journal.change(entry(number).id, Change(Status.DEAD_LETTER, reason), now=5.0)
    await journal.remember(NOTE, "9 more are missing")
    noted, unreadable, lost = await journal.damage()
    assert noted == "9 more are missing"
    assert unreadable.startswith("2 enrollments cannot be read")
    assert lost.startswith("1 enrollment was lost")
    for number in (1, 2, 3):
        await journal.change(entry(number).id, to(Status.CANCELLED), now=6.0)
    await journal.remember(NOTE, "")
    assert await journal.damage() == ()
