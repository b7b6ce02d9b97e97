"""A look at the metrics does the same work at any backlog; `make bench-scrape` takes its time."""

from pathlib import Path
from typing import Any

import apsw

from benchmarks import scrape
from gateway.journal.sqlite.book import SqliteBook
from gateway.journal.sqlite.opening import SETTINGS


def work(journal: Path, backlog: int) -> tuple[list[str], int]:
    """The statements of one look at a journal of so many, and the steps that SQLite took."""
    book = SqliteBook(journal, max_bytes=2**40, min_free_bytes=0, settings=SETTINGS, now=0.0)
    book.close(trusted=True)
    scrape.fill(journal, backlog)
    book = SqliteBook(journal, max_bytes=2**40, min_free_bytes=0, settings=SETTINGS, now=0.0)
    seen: list[dict[str, Any]] = []
    book.begin()
    book._connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, seen.append)
    totals = book.totals()
    book.usage()
    book._connection.trace_v2(0)
    book.rollback()
    book.close(trusted=True)
    assert sum(totals.by_status.values()) == backlog
    steps = (one["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"] for one in seen)
    return [one["sql"] for one in seen], sum(steps)


def test_a_look_counts_nothing_and_takes_no_more_steps_with_more_rows(tmp_path: Path) -> None:
    _, few = work(tmp_path / "few.db", 10)
    statements, many = work(tmp_path / "many.db", 10_000)
    assert statements
    # One opcode counts a whole table, so the steps alone would not show it.
    assert not [sql for sql in statements if "count(" in sql.lower()]
    assert many <= 1.2 * few
