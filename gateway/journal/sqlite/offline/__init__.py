"""Work on a journal that no gateway has open: verify, export, import, compact, wrap keys anew.

Each opens the file for itself alone, and tells how far it is. Must not know the command line.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from gateway.journal.contract import JournalFault
from gateway.journal.sqlite import reserve, salvage
from gateway.journal.sqlite.bodies import Bodies
from gateway.journal.sqlite.faults import fault_of
from gateway.journal.sqlite.guard import Guard
from gateway.journal.sqlite.opening import SETTINGS, open_file


@contextmanager
def opened(path: Path, *, whole: bool = False) -> Iterator[apsw.Connection]:
    """The journal, for this process alone; its log is written back before and after.

    Args:
        path: the journal's file.
        whole: check all of it when it is opened.

    Raises:
        JournalInUse: a gateway has it open.
        Damaged: it fails its check; starting the gateway salvages it.
        JournalFault: there is none, or it cannot be opened or written.
    """
    salvage.finish(path)
    guard = Guard(path)
    if not path.exists():
        raise JournalFault(f"there is no journal {path}; set journal.url")

    def ours() -> None:
        reserve.give_up(reserve.of(path))
        guard.opening()

    try:
        connection = open_file(path, SETTINGS, ours=ours, marked=guard.is_marked, whole=whole)
        try:
            yield connection
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            connection.close()
    except apsw.Error as error:
        raise fault_of(error) from error


@contextmanager
def bodies_of(connection: apsw.Connection, path: Path) -> Iterator[Bodies]:
    """The large bodies of an opened journal.

    Raises:
        JournalFault: their file is gone.
    """
    bodies = Bodies(connection, path)
    try:
        yield bodies
    finally:
        bodies.close()


def note(connection: apsw.Connection, name: str) -> str | None:
    """What the journal remembers under a name."""
    found = connection.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchall()
    return str(found[0][0]) if found else None
