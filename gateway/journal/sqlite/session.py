"""The open file as the book's parts use it: statements, and what the transaction has counted.

Must not know a table but that of the counters.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import apsw

from gateway.core.lifecycle import Status


class Session:
    """One for each opening. ``execute`` runs a statement, ``one`` reads its first row."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.execute: Callable[..., Any] = connection.cursor().execute
        self.counted: Counter[str] = Counter()
        """By how much the transaction at hand changes each counter."""

    def one(self, statement: str, *values: Any) -> tuple[Any, ...] | None:  # noqa: ANN401 - SQLite's
        """The first row, if there is one."""
        row: tuple[Any, ...] | None = self.execute(statement, values).fetchone()
        return row

    @contextmanager
    def overwriting(self) -> Iterator[None]:
        """Within, a page that becomes free is overwritten too, and not left as it was."""
        self.connection.pragma("secure_delete", "on")
        try:
            yield
        finally:
            self.connection.pragma("secure_delete", "fast")

    def count_move(self, before: Status, after: Status) -> None:
        """One is no longer ``before``, but ``after``."""
        if after is not before:
            self.counted[before] -= 1
            self.counted[after] += 1

    def counters(self) -> Mapping[str, int]:
        """Each counter's value, as the transaction at hand leaves it."""
        counters = Counter(dict(self.execute("SELECT name, value FROM counter").fetchall()))
        counters.update(self.counted)
        return counters

    def accepted(self) -> int:
        """How many were ever accepted, as committed."""
        # Read to its end: a statement left in the middle would keep the log from being emptied.
        found = self.execute("SELECT value FROM counter WHERE name = 'accepted'").fetchall()
        return int(found[0][0])

    def write_counters(self) -> None:
        """Before the commit."""
        for name, change in self.counted.items():
            if change:
                self.execute("UPDATE counter SET value = value + ? WHERE name = ?", (change, name))
        self.counted.clear()
