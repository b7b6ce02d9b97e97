"""The contract, for every store: what is due, attempts, changes, and lines of one ordering key."""

from dataclasses import replace

import pytest

from gateway.core.lifecycle import FINAL, Status
from gateway.journal.contract import Change, Due, Journal, Kept, Sealed
from tests.journal.entries import ANSWER, CANCELLED, DEAD, DELIVERED, entry, to


async def due_ids(journal: Journal, *, now: float = 1000.0, limit: int = 100) -> list[int]:
    page = await journal.due(now=now, limit=limit)
    return [int(each.id[-12:]) for each in page.items]


async def kept(journal: Journal, number: int) -> Kept:
    found = await journal.load(entry(number).id)
    assert found is not None
    return found


async def status(journal: Journal, number: int) -> Status:
    return (await kept(journal, number)).life.status


async def bring(journal: Journal, number: int, to_status: Status) -> None:
    """Accept ``number`` and lead it to ``to_status``."""
    await journal.accept(entry(number), sending=to_status not in {Status.PENDING, Status.CANCELLED})
    if to_status is Status.DEAD_LETTER:
        await journal.change(entry(number).id, to(Status.IN_DOUBT, at=50.0), now=40.0)
    if to_status not in {Status.PENDING, Status.SENDING}:
        at = 50.0 if to_status is Status.IN_DOUBT else None
        assert await journal.change(entry(number).id, to(to_status, at=at), now=40.0)


async def test_the_smallest_rank_goes_first_and_equals_in_the_order_accepted(
    journal: Journal,
) -> None:
    for number, rank in ((9, 5.0), (3, 7.0), (7, 5.0), (1, 2.0)):
        await journal.accept(entry(number, rank=rank, accepted_at=9.0), sending=False)
    assert await due_ids(journal) == [1, 9, 7, 3]


async def test_a_page_is_cut_at_its_limit_and_says_that_more_is_due(journal: Journal) -> None:
    for number in range(1, 6):
        await journal.accept(entry(number), sending=False)
    page = await journal.due(now=100.0, limit=3)
    assert [each.rank for each in page.items] == [1.0, 2.0, 3.0]
    assert page.next_due_at == 100.0
    assert (await journal.due(now=100.0, limit=5)).next_due_at is None


async def test_a_later_answer_takes_the_place_of_an_earlier_one(journal: Journal) -> None:
    earlier, later = Sealed(b"one", b"busy"), Sealed(b"other", b"recorded")
    await bring(journal, 1, Status.SENDING)
    change = Change(Status.PENDING, "http-503", 50.0, earlier)
    assert await journal.change(entry(1).id, change, now=40.0)
    assert (await kept(journal, 1)).answer == earlier
    assert await journal.begin(entry(1).id, now=50.0)
    change = Change(Status.DELIVERED, "http-201", None, later)
    assert await journal.change(entry(1).id, change, now=51.0)
    assert (await kept(journal, 1)).answer == later


async def test_what_waits_for_its_time_is_not_due_but_foretold(journal: Journal) -> None:
    await bring(journal, 1, Status.SENDING)
    await journal.change(entry(1).id, to(Status.PENDING, at=60.0), now=10.0)
    page = await journal.due(now=59.9, limit=9)
    assert (page.items, page.next_due_at) == ((), 60.0)
    page = await journal.due(now=60.0, limit=9)
    assert page.next_due_at is None
    assert page.items == (
        Due(
            id=entry(1).id,
            station="station-1",
            status=Status.PENDING,
            rank=1.0,
            attempts=1,
            accepted_at=1.0,
            last_attempt_at=1.0,
            reason="now-pending",
        ),
    )


async def test_what_fell_due_stays_due_when_the_clock_is_set_back(journal: Journal) -> None:
    await bring(journal, 1, Status.IN_DOUBT)
    assert await due_ids(journal, now=51.0) == [1]
    assert await due_ids(journal, now=3.0) == [1]


async def test_an_attempt_is_counted_dated_and_loaded_whole(journal: Journal) -> None:
    await journal.accept(entry(1), sending=False)
    begun = await journal.begin(entry(1).id, now=7.0)
    assert begun == await kept(journal, 1)
    assert begun is not None
    assert begun.body == entry(1).body
    life = begun.life
    assert (life.status, life.attempts, life.last_attempt_at, life.next_attempt_at) == (
        Status.SENDING,
        1,
        7.0,
        None,
    )
    assert await due_ids(journal) == []


async def test_a_body_that_is_not_asked_for_stays_where_it_is(journal: Journal) -> None:
    await journal.accept(entry(1), sending=False)
    begun = await journal.begin(entry(1).id, now=7.0, whole=False)
    assert begun is not None
    assert (begun.body, begun.life.status, begun.life.attempts) == (None, Status.SENDING, 1)
    loaded = await journal.load(entry(1).id)
    assert loaded is not None
    assert loaded.body == entry(1).body


async def test_an_attempt_may_begin_before_its_due_time_and_keeps_the_last_reason(
    journal: Journal,
) -> None:
    await bring(journal, 1, Status.IN_DOUBT)
    begun = await journal.begin(entry(1).id, now=41.0)
    assert begun is not None
    assert (begun.life.attempts, begun.life.reason) == (2, "now-in_doubt")


@pytest.mark.parametrize("before", sorted(set(Status) - {Status.PENDING, Status.IN_DOUBT}))
async def test_no_attempt_begins_from(journal: Journal, before: Status) -> None:
    await bring(journal, 1, before)
    as_it_was = await kept(journal, 1)
    assert await journal.begin(entry(1).id, now=60.0) is None
    assert await kept(journal, 1) == as_it_was


ALLOWED = {
    (Status.PENDING, Status.DEAD_LETTER),
    (Status.PENDING, Status.CANCELLED),
    (Status.SENDING, Status.DELIVERED),
    (Status.SENDING, Status.REJECTED),
    (Status.SENDING, Status.PENDING),
    (Status.SENDING, Status.IN_DOUBT),
    (Status.IN_DOUBT, Status.DELIVERED),
    (Status.IN_DOUBT, Status.IN_DOUBT),
    (Status.IN_DOUBT, Status.DEAD_LETTER),
    (Status.DEAD_LETTER, Status.PENDING),
    (Status.DEAD_LETTER, Status.CANCELLED),
}


@pytest.mark.parametrize("before", Status)
async def test_only_the_changes_of_the_interface_are_made_from(
    journal: Journal, before: Status
) -> None:
    for number, after in enumerate(Status, start=1):
        await bring(journal, number, before)
        as_it_was = await kept(journal, number)
        at = 80.0 if after in {Status.PENDING, Status.IN_DOUBT} else None
        made = await journal.change(entry(number).id, to(after, at=at), now=70.0)
        assert made is ((before, after) in ALLOWED), (before, after)
        if not made:
            assert await kept(journal, number) == as_it_was
            continue
        life = (await kept(journal, number)).life
        settled = 70.0 if after in FINAL | {Status.DEAD_LETTER} else None
        assert life == replace(
            as_it_was.life,
            status=after,
            reason=f"now-{after}",
            next_attempt_at=at,
            settled_at=settled,
        )


async def test_a_change_bound_to_another_status_is_not_made(journal: Journal) -> None:
    await bring(journal, 1, Status.SENDING)
    requeue = to(Status.PENDING, at=50.0, was=Status.DEAD_LETTER)
    assert await journal.change(entry(1).id, requeue, now=45.0) is False
    assert await status(journal, 1) is Status.SENDING
    assert await journal.change(entry(1).id, replace(requeue, was=Status.SENDING), now=45.0)


async def test_a_waiting_status_without_a_due_time_cannot_be_asked_for() -> None:
    for waiting in (Status.PENDING, Status.IN_DOUBT):
        with pytest.raises(ValueError, match="next_attempt_at"):
            Change(waiting, "retry")


@pytest.mark.parametrize("final", sorted(FINAL))
async def test_a_final_status_erases_the_body_and_keeps_the_envelope(
    journal: Journal, final: Status
) -> None:
    await bring(journal, 1, final)
    found = await kept(journal, 1)
    assert found.body is None
    assert found.envelope == entry(1).envelope
    assert found.answer == (None if final is Status.CANCELLED else ANSWER)


async def test_a_dead_letter_keeps_its_body_and_can_be_requeued(journal: Journal) -> None:
    await bring(journal, 1, Status.DEAD_LETTER)
    assert await due_ids(journal) == []
    assert await journal.change(entry(1).id, to(Status.PENDING, at=50.0), now=50.0)
    assert await due_ids(journal) == [1]
    assert (await kept(journal, 1)).body == entry(1).body


async def line_of_three(journal: Journal, *, sending: bool) -> None:
    for number, rank in ((1, 30.0), (2, 20.0), (3, 10.0)):
        await journal.accept(entry(number, rank=rank, line="citizen"), sending=sending)


@pytest.mark.parametrize("sending", [False, True])
async def test_one_ordering_key_goes_one_at_a_time_in_the_order_accepted(
    journal: Journal,
    sending: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    await line_of_three(journal, sending=sending)
    held = await kept(journal, 2)
    assert (held.life.status, held.life.next_attempt_at) == (Status.PENDING, None)
    assert await journal.begin(entry(2).id, now=5.0) is None
    for number in (1, 2, 3):
        if number > 1 or not sending:
            assert await due_ids(journal) == [number]
            assert await journal.begin(entry(number).id, now=5.0)
        assert await due_ids(journal) == []
        await journal.change(entry(number).id, DELIVERED, now=6.0 + number)
        if number < 3:
            assert (await kept(journal, number + 1)).life.next_attempt_at == 6.0 + number
    assert await due_ids(journal) == []


async def test_a_retry_or_a_doubt_or_a_dead_letter_holds_those_behind_it(journal: Journal) -> None:
    await line_of_three(journal, sending=True)
    for change in (to(Status.PENDING, at=20.0), to(Status.IN_DOUBT, at=20.0)):
        await journal.change(entry(1).id, change, now=10.0)
        assert await due_ids(journal) == [1]
        await journal.begin(entry(1).id, now=20.0)
    await journal.change(entry(1).id, to(Status.IN_DOUBT, at=20.0), now=10.0)
    await journal.change(entry(1).id, DEAD, now=30.0)
    assert await due_ids(journal) == []
    await journal.change(entry(1).id, CANCELLED, now=31.0)
    assert await due_ids(journal) == [2]


async def test_one_that_leaves_the_middle_of_a_line_frees_nobody(journal: Journal) -> None:
    await line_of_three(journal, sending=True)
    await journal.change(entry(2).id, CANCELLED, now=10.0)
    assert await due_ids(journal) == []
    await journal.change(entry(1).id, DELIVERED, now=11.0)
    assert await due_ids(journal) == [3]


async def test_a_dead_letter_behind_another_is_held_again_when_requeued(journal: Journal) -> None:
    await line_of_three(journal, sending=True)
    await journal.change(entry(2).id, DEAD, now=10.0)
    await journal.change(entry(2).id, to(Status.PENDING, at=11.0), now=11.0)
    assert (await kept(journal, 2)).life.next_attempt_at is None
    assert await journal.begin(entry(2).id, now=12.0) is None
    await journal.change(entry(1).id, DELIVERED, now=13.0)
    assert await due_ids(journal) == [2]


async def test_lines_of_other_keys_go_on(journal: Journal) -> None:
    await line_of_three(journal, sending=True)
    await journal.accept(entry(4, line="another"), sending=False)
    await journal.accept(entry(5), sending=False)
    assert await due_ids(journal) == [4, 5]


async def test_a_line_is_free_again_when_all_before_are_final(journal: Journal) -> None:
    await journal.accept(entry(1, line="citizen"), sending=True)
    await journal.change(entry(1).id, DELIVERED, now=5.0)
    accepted = await journal.accept(entry(2, line="citizen"), sending=True)
    assert accepted.status is Status.SENDING  # type: ignore[union-attr]


async def test_what_is_requeued_says_when_and_keeps_it_through_later_attempts(
    journal: Journal,
) -> None:
    await journal.accept(entry(1), sending=True)
    await journal.change(entry(1).id, to(Status.PENDING, at=2.0), now=2.0)
    (due,) = (await journal.due(now=2.0, limit=9)).items
    assert due.requeued_at is None
    await journal.change(entry(1).id, DEAD, now=3.0)
    await journal.change(entry(1).id, to(Status.PENDING, at=50.0), now=50.0)
    await journal.begin(entry(1).id, now=51.0)
    await journal.change(entry(1).id, to(Status.PENDING, at=52.0), now=52.0)
    (due,) = (await journal.due(now=52.0, limit=9)).items
    assert due.requeued_at == 50.0
