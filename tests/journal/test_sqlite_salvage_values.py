"""SQLite with values that cannot be: noticed, and listed."""

from pathlib import Path

import apsw
import pytest

from gateway.journal.contract import JournalBroken
from gateway.journal.sqlite import SqliteJournal
from tests.journal.damaged import COUNT, look, with_many
from tests.journal.entries import entry


async def test_a_status_that_cannot_be_is_noticed_and_listed(path: Path) -> None:
    await with_many(path)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE enrollment SET phase = 'reedy' WHERE seq = 7")
    connection.close()
    found = await look(path)
    assert found.lost == {7}


async def corrupted_text(path: Path, column: str) -> None:
    await with_many(path)
    connection = apsw.Connection(str(path))
    connection.execute(
        f"UPDATE enrollment SET {column} = CAST(x'6465e4736b' AS TEXT) WHERE seq = 7"  # noqa: S608
    )
    connection.close()


@pytest.mark.parametrize("column", ["id", "station", "reason", "status"])
async def test_a_text_that_is_none_is_noticed_and_listed(path: Path, column: str) -> None:
    await corrupted_text(path, column)
    found = await look(path)
    assert len(found.lost) == 1 if column != "id" else found.told
    found.intact()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("note", "value"),
        *(("audit", column) for column in ("actor", "action", "subject", "detail", "link")),
    ],
)
async def test_a_text_beside_the_enrollments_that_is_none_is_noticed(
    path: Path, table: str, column: str
) -> None:
    await with_many(path)
    connection = apsw.Connection(str(path))
    connection.execute(f"UPDATE {table} SET {column} = CAST(x'6465e4736b' AS TEXT)")  # noqa: S608 - constants
    connection.close()
    found = await look(path)
    assert "salvaged" in found.told[0]
    assert found.lost == set()
    found.intact()


async def test_one_accepted_too_many_is_noticed_and_counts_as_nameless(path: Path) -> None:
    await with_many(path)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE counter SET value = value + 1 WHERE name = 'accepted'")
    connection.close()
    found = await look(path)
    assert "1 lost without a name" in found.told[0]
    assert (found.lost, found.totals.accepted) == (set(), COUNT)


async def test_a_text_that_turns_bad_while_it_runs_ends_it(path: Path) -> None:
    await with_many(path)
    journal = SqliteJournal(path)
    await journal.open(now=50.0)
    assert journal._writer is not None
    await journal._writer.call(
        lambda book: book._connection.execute(
            "UPDATE enrollment SET reason = CAST(x'6465e4736b' AS TEXT) WHERE seq = 7"
        )
    )
    with pytest.raises(JournalBroken, match="start the gateway again"):
        await journal.find(entry(7).id)
    await journal.close()
    assert (await look(path)).lost == {7}
