"""A journal on PostgreSQL is checked, and moved to a file and from one, beside its gateways too."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while it looks at a file

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.lifecycle import Status
from gateway.journal.contract import Change, JournalFault, JournalInUse
from gateway.journal.keyring import KeyRing, KeyRingFault, bind
from gateway.journal.postgres import PostgresJournal
from gateway.journal.postgres.offline import check_alone, connected
from gateway.journal.postgres.offline.transfer import export, import_
from gateway.journal.postgres.offline.verifying import verify
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.offline import transfer as of_file
from tests.journal.conftest import new_place
from tests.journal.test_offline import COUNT, RING, SEALER, filled, numbered, quietly, used
from tests.support.postgres import Server

LEFT = COUNT - 4  # four are delivered


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """An export of a journal in a file: 5 is dead, 6 was being sent, the others wait behind it."""
    await filled(tmp_path / "journal.db")
    of_file.export(tmp_path / "journal.db", tmp_path / "undelivered.jsonl", progress=quietly)
    return tmp_path / "undelivered.jsonl"


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresJournal]:
    journal = PostgresJournal(url)
    await journal.open(now=300.0)
    yield journal
    await journal.close()


async def test_what_a_file_held_comes_in_once_sealed_in_doubt_and_in_order(
    file: Path, postgres_url: str
) -> None:
    for taken, known in ((LEFT, 0), (0, LEFT)):
        found = await import_(postgres_url, file, RING, now=200.0, progress=quietly)
        assert (found.taken, found.known) == (taken, known)
    assert (await verify(postgres_url, RING, progress=quietly)).is_whole
    async with opened(postgres_url) as journal:
        await bind(journal, RING)
        lives = await journal.list()
        assert [life.id for life in lives] == [numbered(n).id for n in range(5, COUNT + 1)]
        assert {life.status for life in lives} == {Status.DEAD_LETTER, Status.IN_DOUBT}
        assert sum(life.next_attempt_at is not None for life in lives) == 0, "behind the dead one"
        totals = await journal.totals()
        assert (totals.accepted, totals.by_status[Status.IN_DOUBT]) == (LEFT, LEFT - 1)
        kept = await journal.load(numbered(9).id)
        assert kept is not None
        assert SEALER.open(kept) == numbered(9)
        # Once the dead one is out of the way, they go one after the other.
        await journal.change(numbered(5).id, Change(Status.CANCELLED, "operator"), now=301.0)
        for number in range(6, COUNT + 1):
            (due,) = (await journal.due(now=400.0, limit=99)).items
            assert due.id == numbered(number).id
            assert await journal.begin(due.id, now=400.0)
            assert await journal.change(due.id, Change(Status.DELIVERED, "found"), now=401.0)
    assert (await verify(postgres_url, RING, progress=quietly)).is_whole


async def test_it_comes_in_while_a_gateway_runs(file: Path, postgres_url: str) -> None:
    async with opened(postgres_url) as journal:
        await bind(journal, RING)
        first = SEALER.seal(numbered(5), rank=5.0)
        await journal.accept(first, sending=False)
        found = await import_(postgres_url, file, RING, now=200.0, progress=quietly)
        assert (found.taken, found.known) == (LEFT - 1, 1)
        (due,) = (await journal.due(now=400.0, limit=99)).items
        assert due.id == first.id, "the others are behind the one that was here"
        assert (await journal.totals()).accepted == LEFT


async def test_from_one_postgresql_to_a_file_and_to_another(
    file: Path, postgres_url: str, postgres_server: Server, tmp_path: Path
) -> None:
    await import_(postgres_url, file, RING, now=200.0, progress=quietly)
    again = tmp_path / "again.jsonl"
    exported = await export(postgres_url, again, progress=quietly)
    assert (exported.count, exported.keys) == (LEFT, (RING.active.hex(),))
    assert again.stat().st_mode & 0o777 == 0o600
    elsewhere = new_place(postgres_server)
    assert (await import_(elsewhere, again, RING, now=250.0, progress=quietly)).taken == LEFT
    assert (await verify(elsewhere, RING, progress=quietly)).is_whole
    other = tmp_path / "other.db"
    await used(other)
    assert of_file.import_(other, again, RING, now=260.0, progress=quietly).taken == LEFT
    journal = SqliteJournal(other)
    await journal.open(now=300.0)
    kept = await journal.load(numbered(7).id)
    assert kept is not None
    assert SEALER.open(kept) == numbered(7)
    await journal.close()
    with pytest.raises(FileExistsError):
        await export(postgres_url, again, progress=quietly)


@pytest.mark.parametrize("cut", ["a line", "a byte"])
async def test_a_damaged_export_brings_in_nothing(file: Path, postgres_url: str, cut: str) -> None:
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1] + ([] if cut == "a line" else [lines[-1][:-9]])))
    with pytest.raises(JournalFault, match="nothing was taken"):
        await import_(postgres_url, file, RING, now=200.0, progress=quietly)
    async with opened(postgres_url) as journal:
        assert (await journal.totals()).accepted == 0
        assert await journal.list() == ()


async def test_other_keys_take_nothing_in_and_check_nothing(file: Path, postgres_url: str) -> None:
    stranger = KeyRing.generate()
    with pytest.raises(JournalFault, match="needs the key file"):
        await import_(postgres_url, file, stranger, now=200.0, progress=quietly)
    async with opened(postgres_url) as journal:
        await bind(journal, stranger)
    with pytest.raises(KeyRingFault, match="not the one"):
        await import_(postgres_url, file, RING, now=200.0, progress=quietly)
    with pytest.raises(KeyRingFault, match="not the one"):
        await verify(postgres_url, RING, progress=quietly)


async def test_nothing_is_exported_while_a_gateway_delivers(
    postgres_url: str, tmp_path: Path
) -> None:
    async with opened(postgres_url) as journal:

        async def renews() -> None:
            while True:
                await journal.turn(now=300.0, word="")
                await asyncio.sleep(0.05)

        beating = asyncio.create_task(renews())
        with pytest.raises(JournalInUse, match=journal.name):
            await export(postgres_url, tmp_path / "file", progress=quietly)
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        await journal.totals()  # behind a turn that was still on its way
        assert not (tmp_path / "file").exists()
        # One that was killed has the turn in name only.
        async with connected(postgres_url) as session:
            await check_alone(session, seconds=0.6)
    # One that was stopped gave it back.
    assert (await export(postgres_url, tmp_path / "file", progress=quietly)).count == 0


async def test_where_there_is_no_journal_it_says_so(postgres_url: str, tmp_path: Path) -> None:
    with pytest.raises(JournalFault, match="start a gateway on it once"):
        await verify(postgres_url, RING, progress=quietly)
    with pytest.raises(JournalFault, match="start a gateway on it once"):
        await export(postgres_url, tmp_path / "file", progress=quietly)


async def test_what_is_altered_lost_or_miscounted_is_told(
    file: Path, postgres_url: str, postgres_server: Server
) -> None:
    await import_(postgres_url, file, RING, now=200.0, progress=quietly)
    schema = postgres_url.rpartition("=")[2]
    seven, eight, nine = (numbered(n).id for n in (7, 8, 9))
    for statement in (
        f"UPDATE body SET data = decode('00', 'hex') WHERE id = '{seven}'",  # noqa: S608 - ids of ours
        f"DELETE FROM body WHERE id = '{eight}'",  # noqa: S608 - as above
        f"DELETE FROM content WHERE id = '{nine}'",  # noqa: S608 - as above
        "UPDATE counter SET value = value + 2 WHERE name = 'in_doubt'",
        "UPDATE station SET waiting = waiting - 1",
        "INSERT INTO note VALUES ('damage', 'two are missing')",
    ):
        postgres_server.sql(f"SET search_path = {schema}; {statement}")
    found = await verify(postgres_url, RING, progress=quietly)
    text = "\n".join(found.broken)
    assert f"body of {seven} is altered" in text
    assert f"body of {eight} is lost" in text
    assert f"content of {nine} is lost" in text
    assert f"the sum of in_doubt is {LEFT + 1}, but the rows say {LEFT - 1}" in text
    assert "the line of" in text
    assert found.damage == ["two are missing"]
    found = await verify(postgres_url, RING, progress=quietly, acknowledge=True)
    assert found.damage == []
