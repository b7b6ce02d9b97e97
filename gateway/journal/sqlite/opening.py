"""Open a journal file: take it for this process alone, settle how it is written, and check it.

Must not know what its tables are for; the schema is in ``schema/``, in numbered files.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import apsw

from gateway.core.lifecycle import Status
from gateway.files import sync_directory
from gateway.journal.contract import JournalFault
from gateway.journal.moves import LEGAL
from gateway.journal.sqlite import log

APPLICATION_ID: Final = 0x454E524C
"""``ENRL`` in the file's header: file(1) and other programs can tell whose it is."""

WAL_LIMIT: Final = 64 * 1024 * 1024

# Up to these sizes all of the file is looked at when it is opened: about a second each.
_CHECK_INDEXES, _CHECK_PAGES = 64 * 1024 * 1024, 512 * 1024 * 1024

SETTINGS: Final[Mapping[str, str | int]] = {
    # The lock is taken at the first read and kept: a second gateway is turned away at once.
    # Taken before the log is opened, it also keeps the log's index in this process's memory.
    "locking_mode": "exclusive",
    "page_size": 16384,
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: each commit is synced before it is answered
    "wal_autocheckpoint": 0,  # never inside a commit; the session does it between commits
    "journal_size_limit": WAL_LIMIT,
    # fast: what is deleted is overwritten where its page is written anyway. So a dropped data key
    # is gone from the row's page, while the ciphertext of a long body, useless without it, costs
    # no second write. What it does not reach: copies of a key in the log until that is reused,
    # and on pages that SQLite moved rows away from. Rotating the key-encryption key reaches those.
    # What is forgotten empties whole pages; these are overwritten: ``Session.overwriting``.
    "secure_delete": 2,
    "cache_size": -4096,  # KiB
    "temp_store": 2,  # memory: no sorter spills a row into a file of its own
    "trusted_schema": 0,
    "cell_size_check": 1,
}


class Damaged(JournalFault):
    """The file is a journal, and not as it was written."""


def open_file(
    path: Path,
    settings: Mapping[str, str | int],
    *,
    ours: Callable[[], None],
    marked: bool = False,
    whole: bool = False,
) -> apsw.Connection:
    """A connection that owns the file, checked and at the newest schema.

    Args:
        path: the file; made where there is none.
        settings: pragmas.
        ours: called once it is certain that the file is a journal and nobody else's now, before
            anything is changed.
        marked: something outside says that it is a journal, whatever it looks like.
        whole: check all of it, however long that takes.

    Raises:
        Damaged: it is a journal, and fails its check.
        JournalFault: it is no journal, cannot be opened, or a setting did not take.
        apsw.Error: anything that SQLite says, ``apsw.BusyError`` when another process has it.
    """
    is_new = _create(path)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # Closing must not write the log back by itself: after a failed sync another proves nothing.
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        # Plans do not depend on what is bound. Else SQLite compares each value with the conditions
        # of the partial indexes, and compiles the statement anew whenever another one is bound:
        # 107 instead of 48 µs for an attempt's two moves.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        # The lock before anything else, and no setting before it is known whose file this is:
        # a setting may change the file.
        connection.pragma("locking_mode", "exclusive")
        page_size = int(settings["page_size"])
        frames = log.frames(log.path_of(path), page_size)
        version = _version(connection, marked=marked)
        marked = True
        ours()
        _settle(connection, settings)
        _check_log(connection, path, page_size, frames)
        _migrate(connection, version)
        check(connection, size=path.stat().st_size, whole=whole)
        # What a crash left in the log goes into the main file and is synced there. A page of the
        # log that looks good in memory but never reached the disk is so written a second time.
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError) as error:
        connection.close()
        if marked:
            raise Damaged(str(error)) from error
        raise
    except BaseException:
        connection.close()
        raise
    if is_new:
        sync_directory(path.parent)
    return connection


def _create(path: Path) -> bool:
    if not path.parent.is_dir():
        raise JournalFault(f"the directory {path.parent} is missing; create it or set journal.url")
    try:
        # Closed again before SQLite opens it: closing any handle of a file drops the locks that
        # this process has on it (POSIX), so nothing here may open the file later.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    except OSError as fault:
        raise JournalFault(f"the journal {path} cannot be created: {fault.strerror}") from fault
    return True


# Read as a number, but understood only as a word.
_SPELT: Final[Mapping[tuple[str, str | int], str]] = {("secure_delete", 2): "fast"}


def _settle(connection: apsw.Connection, settings: Mapping[str, str | int]) -> None:
    for name, value in settings.items():
        connection.pragma(name, _SPELT.get((name, value), value))
    # Read after all are set: one may have undone another, and an old file may refuse some.
    wrong = [
        f"{name} is {found}, must be {value}"
        for name, value in settings.items()
        if (found := connection.pragma(name)) != value
    ]
    if wrong:
        raise JournalFault(
            f"the journal cannot be written as safely as it must: {'; '.join(wrong)}"
        )


def _version(connection: apsw.Connection, *, marked: bool) -> int:
    """The schema that the file has; 0: it is new."""
    owner = connection.pragma("application_id")
    version: int = connection.pragma("user_version")
    is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    if owner != APPLICATION_ID and not (is_empty and owner == 0 and version == 0):
        if marked:
            raise Damaged("its header is not a journal's")
        raise JournalFault("this file is no enrollment journal; set journal.url to another file")
    newest = len(migrations())
    if version > newest:
        raise JournalFault(
            f"this journal has schema {version}, this gateway knows up to {newest}; "
            "start the newer gateway again, nothing was changed"
        )
    return version


def _migrate(connection: apsw.Connection, version: int) -> None:
    steps = migrations()
    if version == len(steps):
        return
    with connection:  # one transaction for all steps
        for script in steps[version:]:
            connection.execute(script)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", len(steps))


def migrations() -> list[str]:
    """The schema's steps, in order: a journal's version is how many of them it has."""
    schema = resources.files("gateway.journal.sqlite") / "schema"
    files = sorted(schema.iterdir(), key=lambda each: each.name)
    return [file.read_text(encoding="utf-8") for file in files if file.name.endswith(".sql")]


def _check_log(
    connection: apsw.Connection,
    path: Path,
    page_size: int,
    frames: Sequence[log.Frame | None],
) -> None:
    read, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    if log.damaged(frames, read) and (read or not log.is_written_back(path, page_size, frames)):
        raise Damaged("its write-ahead log is damaged before its end")


def check(connection: apsw.Connection, *, size: int, whole: bool) -> None:
    """Look whether it is as it was written: all of it, or of a large one what is quickly read.

    Raises:
        Damaged: it is not.
        UnicodeDecodeError: neither, for a text in it is none.
    """
    if whole or size <= _CHECK_INDEXES:
        statement = "PRAGMA integrity_check"
        _check_texts(connection)
    else:
        statement = "PRAGMA quick_check" + ("('enrollment')" if size > _CHECK_PAGES else "")
    found = [row[0] for row in connection.execute(statement).fetchall()]
    if found != ["ok"]:
        raise Damaged(f"{len(found)} faults in its pages, first: {found[0]}")
    standing = Counter[str]()
    for status, phase, _, count in connection.execute(
        "SELECT status, phase, station, count(*) FROM enrollment NOT INDEXED GROUP BY 1, 2, 3"
    ):
        if (status, phase) not in LEGAL:
            raise Damaged(f"{count} enrollments stand where none can be")
        standing[status] += count
    rows: Any = connection.execute("SELECT name, value FROM counter")
    counters: dict[str, int] = dict(rows)
    if any(counters.get(status) != standing[status] for status in Status):
        raise Damaged("its counters are not those of its rows")
    if counters.pop("accepted", 0) != sum(counters.values()):
        raise Damaged("its counters do not add up")


def _check_texts(connection: apsw.Connection) -> None:
    """SQLite does not look whether a text is one. Whoever reads it would."""
    for columns, table in (
        ("id, station, reason", "enrollment NOT INDEXED"),
        ("name, value", "note"),
        ("actor, action, subject, detail, link", "audit"),
    ):
        for _ in connection.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608 - constants
            pass
