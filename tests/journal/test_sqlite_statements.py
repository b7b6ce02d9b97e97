"""SQLite: every statement of an enrollment's life is compiled once, whatever is bound to it."""

from pathlib import Path

import apsw

from gateway.core.lifecycle import Status
from gateway.journal.contract import Change, Sealed
from gateway.journal.sqlite.book import SqliteBook
from gateway.journal.sqlite.opening import SETTINGS
from tests.journal.entries import entry

DELIVERED = Change(Status.DELIVERED, "http-201", None, Sealed(b"k" * 61, b"answer"))


def live_and_end(book: SqliteBook, number: int) -> None:
    book.begin()
    book.accepting.accept(entry(number), sending=False, size=100)
    book.accepting.accept(entry(number), sending=False, size=100)
    book.looking.find(entry(number).id)
    book.looking.due(now=1e12, limit=4)
    book.moving.begin(entry(number).id, now=1.0, whole=True)
    book.moving.begin(entry(number).id, now=1.0, whole=False)
    assert book.moving.change(entry(number).id, DELIVERED, now=2.0)
    book.commit()


def test_no_statement_is_compiled_anew_for_another_enrollment(path: Path) -> None:
    book = SqliteBook(path, max_bytes=1 << 40, min_free_bytes=1 << 20, settings=SETTINGS, now=0.0)
    compiled = []

    def is_compiling(act: int, *of: str | None) -> int:
        """SQLite asks this for each part of a statement that it compiles, and at no other time."""
        if act != apsw.SQLITE_PRAGMA:  # asked a few times for each transaction, not for each row
            compiled.append((act, of))
        return apsw.SQLITE_OK

    book._connection.authorizer = is_compiling
    live_and_end(book, 0)
    assert compiled
    compiled.clear()
    for number in range(1, 4):
        live_and_end(book, number)
    anew = compiled.copy()
    book.close(trusted=True)
    assert anew == []
