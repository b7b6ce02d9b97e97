"""A page of what is due, and when to look again."""

from collections.abc import Sequence
from typing import cast

import pytest

from gateway.core.lifecycle import Status
from gateway.delivery.backlog import Backlog
from gateway.journal.contract import Due, DuePage, Journal, JournalFault


class Pages:
    """A journal that hands out the pages it was given, and counts how often it is asked."""

    def __init__(self, *pages: DuePage | JournalFault) -> None:
        self._pages = list(pages)
        self.asked: list[int] = []

    async def due(self, *, now: float, limit: int) -> DuePage:
        self.asked.append(limit)
        assert now > 0
        page = self._pages.pop(0)
        if isinstance(page, JournalFault):
            raise page
        return page


def page(ids: str, next_due_at: float | None = None) -> DuePage:
    items = tuple(Due(one, "desk", Status.PENDING, 0.0, 0, 0.0, None) for one in ids)
    return DuePage(items, next_due_at)


def backlog(*pages: DuePage | JournalFault) -> tuple[Backlog, Pages]:
    journal = Pages(*pages)
    return Backlog(cast("Journal", journal), page=4), journal


def ids(waiting: Backlog) -> str:
    return "".join(due.id for due in waiting)


async def refill(waiting: Backlog, *, now: float = 10.0, in_hand: Sequence[str] = ()) -> None:
    await waiting.refill(now=now, least=2, in_hand=in_hand)


async def test_it_keeps_the_journals_order_and_leaves_out_what_is_in_hand() -> None:
    waiting, _ = backlog(page("abcd"))
    await refill(waiting, in_hand="b")
    assert ids(waiting) == "acd"


async def test_an_empty_journal_is_not_asked_again_before_something_is_expected() -> None:
    waiting, journal = backlog(page(""), page("x"))
    await refill(waiting)
    await refill(waiting)
    assert len(journal.asked) == 1
    assert not waiting.waits(now=10.0)
    waiting.expect(20.0)
    await refill(waiting, now=15.0)
    assert len(journal.asked) == 1
    await refill(waiting, now=20.0)
    assert ids(waiting) == "x"


async def test_enough_candidates_are_not_read_again_unless_the_order_may_have_changed() -> None:
    waiting, journal = backlog(page("abcd", 10.0), page("uabc", 10.0))
    await refill(waiting)
    await refill(waiting)
    assert len(journal.asked) == 1
    waiting.reread()
    await refill(waiting)
    assert ids(waiting) == "uabc"


async def test_what_an_ordering_key_held_back_comes_before_the_page() -> None:
    """It has waited longer than those that were read while it could not go."""
    waiting, journal = backlog(page("abcd", None), page("fabc", None))
    await refill(waiting)
    waiting.freed(at=0.0)
    await refill(waiting)
    assert len(journal.asked) == 2
    assert ids(waiting) == "fabc"


async def test_what_is_expected_while_the_journal_is_read_is_not_forgotten() -> None:
    waiting, journal = backlog(page(""))
    read = journal.due

    async def due(*, now: float, limit: int) -> DuePage:
        waiting.expect(11.0)
        return await read(now=now, limit=limit)

    journal.due = due  # type: ignore[method-assign]
    await refill(waiting)
    assert waiting.next_due_at == 11.0


async def test_an_attempt_that_ended_while_the_journal_was_read_is_read_again() -> None:
    """The page has it as it was before the attempt: pending, and by now it may be in doubt."""
    waiting, journal = backlog(page("ab"), page("ab"))
    in_hand, read = ["a"], journal.due

    async def due(*, now: float, limit: int) -> DuePage:
        found = await read(now=now, limit=limit)
        in_hand.clear()
        return found

    journal.due = due  # type: ignore[method-assign]
    await refill(waiting, in_hand=in_hand)
    assert ids(waiting) == "b"
    await refill(waiting, in_hand=in_hand)
    assert ids(waiting) == "ab"


async def test_a_fault_keeps_what_was_known() -> None:
    waiting, _ = backlog(page("a", 10.0), JournalFault("no"))
    await refill(waiting)
    with pytest.raises(JournalFault):
        await refill(waiting)
    assert ids(waiting) == "a"
    assert waiting.next_due_at == 10.0


async def test_while_the_journal_is_read_more_may_come() -> None:
    waiting, journal = backlog(page("ab"))
    seen = []
    due = journal.due

    async def watched(*, now: float, limit: int) -> DuePage:
        seen.append((waiting.waits(now=now), waiting.promises_more))
        return await due(now=now, limit=limit)

    journal.due = watched  # type: ignore[method-assign]
    await refill(waiting)
    assert seen == [(True, True)]
    waiting.take("a")
    waiting.take("b")
    assert (waiting.waits(now=10.0), waiting.promises_more) == (False, False)
