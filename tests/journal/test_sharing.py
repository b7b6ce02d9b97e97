"""The contract, for every store: a station beyond its share lags behind, restarts or not."""

from pathlib import Path

import pytest

from gateway.core.lifecycle import Status
from gateway.core.shares import FREE
from gateway.journal.contract import Accepted, Entry, Journal, JournalFault
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.book import SqliteBook
from tests.journal.entries import DEAD, DELIVERED, entry, to

FLOOD = 3  # entries of every third number are of one station


def flood(count: int, *, start: int = 0) -> list[Entry]:
    """The entries of one station, all accepted at second 100."""
    numbers = range(start, start + count)
    return [entry(FLOOD * number, accepted_at=100.0, rank=100.0) for number in numbers]


def other(number: int, *, at: float) -> Entry:
    """One of another station."""
    return entry(FLOOD * number + 1, accepted_at=at, rank=at)


async def accept(journal: Journal, *entries: Entry) -> list[float]:
    ranks = []
    for each in entries:
        accepted = await journal.accept(each, sending=False)
        assert isinstance(accepted, Accepted)
        ranks.append(accepted.rank)
    return ranks


async def order(journal: Journal, limit: int = 1000) -> list[str]:
    return [due.id for due in (await journal.due(now=1000.0, limit=limit)).items]


async def test_what_others_bring_goes_before_a_flood_and_behind_its_first(
    journal: Journal,
) -> None:
    entries = flood(FREE + 20)
    assert await accept(journal, *entries) == [100.0] * FREE + [100.0 + n for n in range(1, 21)]
    assert await accept(journal, other(1, at=103.5)) == [103.5]
    expected = [each.id for each in entries]
    expected.insert(FREE + 3, other(1, at=103.5).id)
    assert await order(journal) == expected


async def test_a_known_enrollment_takes_no_place(journal: Journal) -> None:
    await accept(journal, *flood(FREE))
    for _ in range(5):
        await journal.accept(flood(FREE)[0], sending=False)
    assert await accept(journal, *flood(1, start=FREE)) == [101.0]


async def test_what_is_final_frees_its_place(journal: Journal) -> None:
    await accept(journal, *flood(FREE))
    await journal.begin(flood(1)[0].id, now=101.0)
    await journal.change(flood(1)[0].id, DELIVERED, now=101.0)
    assert await accept(journal, *flood(2, start=FREE)) == [100.0, 101.0]


async def test_a_dead_letter_takes_its_place_again_when_it_is_requeued(journal: Journal) -> None:
    await accept(journal, *flood(FREE))
    await journal.change(flood(1)[0].id, DEAD, now=101.0)
    assert await accept(journal, *flood(1, start=FREE)) == [100.0]
    await journal.change(flood(1)[0].id, to(Status.PENDING, at=102.0), now=102.0)
    await journal.change(flood(2)[1].id, DEAD, now=103.0)
    assert await accept(journal, *flood(2, start=FREE + 1)) == [101.0, 102.0]


async def test_a_restart_forgets_no_flood(journal: Journal) -> None:
    await accept(journal, *flood(FREE + 20))
    await journal.close()
    await journal.open(now=101.0)
    assert await accept(journal, *flood(1, start=FREE + 20)) == [121.0]
    assert await accept(journal, other(1, at=101.0)) == [101.0]


async def test_a_restart_reckons_only_with_what_waits(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open(now=0.0)
    first, *rest = flood(FREE + 20)
    await accept(journal, first, *rest)
    for each in rest:
        await journal.begin(each.id, now=101.0)
        await journal.change(each.id, DELIVERED, now=101.0)
    await journal.close()
    await journal.open(now=102.0)
    assert await accept(journal, entry(FLOOD * 100, accepted_at=102.0, rank=102.0)) == [102.0]
    await journal.close()


async def test_what_a_transaction_did_not_keep_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open(now=0.0)
    await accept(journal, *flood(FREE - 1))

    def fails(_book: SqliteBook) -> None:
        raise JournalFault("no")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteBook, "commit", fails)
        with pytest.raises(JournalFault):
            await journal.accept(*flood(1, start=FREE - 1), sending=False)
    assert await accept(journal, *flood(2, start=FREE)) == [100.0, 101.0]
    await journal.close()
