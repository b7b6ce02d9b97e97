"""Puts rows that were found one by one back into tables, and says what is missing between them.

Must not know where the rows come from. What it makes agrees with itself: every enrollment has its
content or is marked as lost, and the counters are those of the rows.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import apsw

from gateway.core.lifecycle import FINAL, Status
from gateway.journal import damage
from gateway.journal.moves import LEGAL, LOST, Phase
from gateway.journal.sqlite.marker import ERA, Marker
from gateway.journal.sqlite.pages import Row, Value

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "INTEGER": (int,),
    "REAL": (int, float),  # a whole number is kept as an integer
    "TEXT": (str,),
    "BLOB": (bytes,),
}
_LISTS: Final = """
CREATE TEMP TABLE named (seq INTEGER PRIMARY KEY, id TEXT NOT NULL);
CREATE TEMP TABLE stood (seq INTEGER PRIMARY KEY, status TEXT NOT NULL, accepted_at REAL NOT NULL);
"""
_NO_CONTENT: Final = """
SELECT e.seq, e.id, e.status, e.accepted_at, e.phase = 'done' FROM enrollment e
LEFT JOIN content c ON c.seq = e.seq LEFT JOIN body b ON b.seq = e.seq
LEFT JOIN extent x ON x.seq = e.seq
WHERE c.seq IS NULL OR (e.phase <> 'done' AND (
    c.body_key IS NULL OR (coalesce(c.body, b.data) IS NULL AND x.seq IS NULL)))"""
_NO_ANSWER: Final = """
SELECT e.seq, e.id, e.status, e.accepted_at FROM enrollment e JOIN content c USING (seq)
LEFT JOIN answer a USING (seq)
WHERE c.answer_key IS NOT NULL AND coalesce(c.answer, a.data) IS NULL"""
_FORGET_ANSWER: Final = "UPDATE content SET answer_key = NULL WHERE seq = ?"
# What was erased may be found again on a page that was freed.
_ERASE: Final = """
UPDATE content SET body_key = NULL, body = NULL WHERE body_key IS NOT NULL
    AND seq NOT IN (SELECT seq FROM enrollment WHERE phase <> 'done');
DELETE FROM body WHERE seq NOT IN (SELECT seq FROM enrollment WHERE phase <> 'done');
DELETE FROM extent WHERE seq NOT IN (SELECT seq FROM content WHERE body_key IS NOT NULL);
DELETE FROM answer WHERE seq NOT IN (SELECT seq FROM content WHERE answer_key IS NOT NULL);
"""
_NO_ROW: Final = """
SELECT n.seq, n.id, s.status, s.accepted_at FROM named n LEFT JOIN stood s USING (seq)
WHERE n.seq NOT IN (SELECT seq FROM enrollment) AND n.id NOT IN (SELECT id FROM enrollment)"""
_STUB: Final = """
INSERT INTO enrollment (seq, id, identity, fingerprint, station, status, phase, priority, rank,
    attempts, size, accepted_at, settled_at, reason)
VALUES (?1, ?2, ?3, x'', 'unknown', ?4, ?5, 3, 0.0, 0, 0, ?6, ?6, ?7)"""
_NO_NAME: Final = """
SELECT count(*) FROM (SELECT seq FROM content UNION SELECT seq FROM stood)
WHERE seq NOT IN (SELECT seq FROM enrollment)"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. ``optional``: a row may be without it, or have NULL there."""

    name: str
    kinds: tuple[type, ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is in the end. ``nameless``: missing, and nothing is known of them."""

    accepted: int
    intact: int
    lost: int
    nameless: int


class Mending:
    """Works on a fresh journal that nobody uses yet, in one transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._tables = dict(self._shapes())
        self._missing: list[dict[str, object]] = []
        self._counted = False
        self._execute("BEGIN")
        self._execute(_LISTS)

    def take(self, row: Row) -> None:
        """Put a row where it belongs; what belongs nowhere is left out."""
        if row.rowid is None:
            self._take_index(row.values)
            return
        for table, columns in self._tables.items():
            if fits(columns, row.values):
                if table == "enrollment" and not sound(columns, row.values):
                    return
                self._insert(table, columns, row.rowid, row.values)
                return

    def finish(self, *, marker: Marker | None) -> Counts:
        """Settle what is missing between the rows, and count."""
        lost = 0
        for seq, id_, status, accepted_at, is_final in self._all(_NO_CONTENT):
            self._without_content(seq, final=bool(is_final))
            self._lose(id_, status, accepted_at, "answer" if is_final else "content")
            lost += 1
        for seq, id_, status, accepted_at in self._all(_NO_ANSWER):
            self._execute(_FORGET_ANSWER, (seq,))
            self._lose(id_, status, accepted_at, "answer")
            lost += 1
        for seq, id_, status, accepted_at in self._all(_NO_ROW):
            final = status in FINAL
            standing = (status, Phase.DONE) if final else (Status.DEAD_LETTER, Phase.PARKED)
            since = accepted_at or 0.0
            self._execute(_STUB, (seq, id_, f"lost {id_}".encode(), *standing, since, LOST))
            self._without_content(seq, final=final)
            self._lose(id_, status, accepted_at, "row")
            lost += 1
        nameless = int(self._one(_NO_NAME))
        self._execute("DELETE FROM content WHERE seq NOT IN (SELECT seq FROM enrollment)")
        self._execute(_ERASE)
        rows, forgotten, expected = self._recount(marker)
        if self._counted:
            nameless = max(nameless, expected - rows - forgotten)
        if nameless > 0:
            self._missing.append({"lost": "row", "nameless": nameless})
        if marker is not None:
            self._execute(
                "INSERT OR IGNORE INTO note (name, value) VALUES (?, ?)",
                (ERA, f"{marker.journal} {marker.era}"),
            )
        return Counts(rows + forgotten, rows - lost, lost, max(nameless, 0))

    def note(self, sentence: str) -> None:
        """Let the journal tell it until an operator has taken note."""
        self._execute(
            "INSERT INTO note (name, value) VALUES (?1, ?2)"
            " ON CONFLICT (name) DO UPDATE SET value = ltrim(value || char(10) || ?2, char(10))",
            (damage.NOTE, sentence),
        )

    def missing(self) -> Iterator[dict[str, object]]:
        """A document for each of the lost."""
        return iter(self._missing)

    def close(self) -> None:
        """End it. Whoever gave the connection makes the file durable."""
        self._execute("COMMIT")
        self._connection.close()

    # -- inside ----------------------------------------------------------------------------------

    def _shapes(self) -> Iterator[tuple[str, list[Column]]]:
        for (name,) in self._all(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
            " AND NOT wr AND name NOT LIKE 'sqlite_%' ORDER BY ncol DESC"
        ):
            info = self._all(
                "SELECT name, type, [notnull], dflt_value, pk FROM pragma_table_info(?)", name
            )
            yield (
                name,
                [
                    Column(column, _KINDS[kind], bool(pk) or not needed or default is not None)
                    for column, kind, needed, default, pk in info
                ],
            )

    def _take_index(self, values: tuple[Value, ...]) -> None:
        match values:
            case (str(id_), int(seq)) if _ID.fullmatch(id_):
                self._execute("INSERT OR IGNORE INTO named VALUES (?, ?)", (seq, id_))
            case (str(name), int(value)):
                self._execute("UPDATE counter SET value = ? WHERE name = ?", (value, name))
                self._counted = self._counted or name == "accepted"
            case (str(name), str(text)):
                self._execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, text))
            case (str(status), int() | float() as at, int(seq)) if status in set(Status):
                self._execute("INSERT OR IGNORE INTO stood VALUES (?, ?, ?)", (seq, status, at))

    def _insert(
        self, table: str, columns: list[Column], rowid: int, values: tuple[Value, ...]
    ) -> None:
        names = [column.name for column in columns[: len(values)]]
        row = (rowid, *values[1:])
        places = ", ".join("?" * len(row))
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - of our schema
        try:
            self._execute(statement, row)
        except apsw.ConstraintError:
            # There are two of it: one is on a page that was freed. The one that went further.
            if table == "enrollment" and not self._goes_further(dict(zip(names, row, strict=True))):
                return
            with suppress(apsw.ConstraintError):
                self._execute(f"DELETE FROM {table} WHERE {names[0]} = ?", (rowid,))  # noqa: S608 - as above
                self._execute(statement, row)

    def _goes_further(self, row: dict[str, Value]) -> bool:
        known = self._all(
            "SELECT phase = 'done', attempts FROM enrollment WHERE seq = ?", row["seq"]
        )
        return not known or (row["phase"] == Phase.DONE, row["attempts"]) > known[0]

    def _without_content(self, seq: int, *, final: bool) -> None:
        self._execute("DELETE FROM content WHERE seq = ?", (seq,))
        self._execute(
            "INSERT INTO content (seq, envelope_key, envelope) VALUES (?, x'', x'')", (seq,)
        )
        if not final:
            self._execute(
                "UPDATE enrollment SET status = 'dead_letter', phase = 'parked', reason = ?2,"
                " next_attempt_at = NULL, settled_at = coalesce(settled_at, accepted_at)"
                " WHERE seq = ?1",
                (seq, LOST),
            )

    def _lose(self, id_: str, status: str | None, accepted_at: float | None, what: str) -> None:
        self._missing.append(
            {"id": id_, "status": status, "accepted_at": accepted_at, "lost": what}
        )

    def _recount(self, marker: Marker | None) -> tuple[int, int, int]:
        """How many rows there are, how many were forgotten, how many there should be of both."""
        expected = int(self._one("SELECT value FROM counter WHERE name = 'accepted'"))
        forgotten = int(self._one("SELECT sum(value) FROM counter WHERE name LIKE 'forgotten%'"))
        rows = int(self._one("SELECT count(*) FROM enrollment"))
        self._execute(
            "UPDATE counter SET value = (SELECT count(*) FROM enrollment WHERE status = name)"
            " WHERE name <> 'accepted' AND name NOT LIKE 'forgotten%'"
        )
        self._execute("UPDATE counter SET value = ? WHERE name = 'accepted'", (rows + forgotten,))
        return rows, forgotten, max(expected, marker.accepted if marker is not None else 0)

    def _all(self, statement: str, *values: Value) -> list[tuple[Any, ...]]:
        return self._execute(statement, values).fetchall()

    def _one(self, statement: str) -> Any:  # noqa: ANN401 - SQLite's
        return self._execute(statement).get


def fits(columns: list[Column], values: tuple[Value, ...]) -> bool:
    """Whether a row can be of this table: its first column is the row's number, kept as NULL."""
    if not values or len(values) > len(columns) or values[0] is not None:
        return False
    if not all(column.optional for column in columns[len(values) :]):
        return False
    return all(
        column.optional if value is None else isinstance(value, column.kinds)
        for column, value in zip(columns, values, strict=False)
    )


def sound(columns: list[Column], values: tuple[Value, ...]) -> bool:
    """Whether an enrollment's row says something that can be: else it counts as lost."""
    row = {column.name: value for column, value in zip(columns, values, strict=False)}
    return bool(_ID.fullmatch(str(row["id"]))) and (row["status"], row["phase"]) in LEGAL
