"""A fresh journal from what a damaged one still holds, and a list of what it does not.

Theory: a row, its content and the indexes over it lie on different pages. What one damaged page
takes, the others still name: a row whose content is gone is known by its id, and a row that is gone
is known by the index of ids. So what is lost is listed as a dead letter, and only what every page
forgot is told as a number. The damaged files stay beside the fresh one, to the last byte.

Must not know why it is needed. No sealed part is opened here: what cannot be opened is found when
it is delivered, or by ``journal verify``.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from gateway.files import replace_file, sync_directory
from gateway.journal.contract import JournalInUse
from gateway.journal.sqlite import log, marker
from gateway.journal.sqlite.mending import Mending
from gateway.journal.sqlite.opening import APPLICATION_ID, SETTINGS, migrations
from gateway.journal.sqlite.pages import Pages

_COMPLETE: Final = ".salvaged"
_DRAFT: Final = ".salvaging"
PAGE_SIZE: Final = int(SETTINGS["page_size"])


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What came of it.

    Attributes:
        intact: enrollments with all that they had.
        lost: those that are named and have lost their content, or more.
        nameless: how many are missing of which nothing is known, at least.
        damaged: the damaged file, as it was.
        ledger: a line of JSON for each of the lost, and one for the nameless.
    """

    intact: int
    lost: int
    nameless: int
    damaged: Path
    ledger: Path

    def told(self) -> str:
        """For operators."""
        return (
            f"the journal was damaged and has been salvaged: {self.intact} enrollments intact,"
            f" {self.lost} lost and listed, {self.nameless} lost without a name; the damaged file"
            f" is kept as {self.damaged.name}, the list as {self.ledger.name}"
        )


def salvage(path: Path, *, stamp: str) -> Salvaged:
    """Put a fresh journal in the place of the damaged one.

    Args:
        path: the journal; nobody has it open.
        stamp: names the files that stay, such as ``20261124T010203Z``.

    Raises:
        JournalInUse: another process is at it already.
        OSError: no space, or another trouble with the disk; nothing was put in place.
    """
    with _alone(path):
        draft, complete = (path.with_name(path.name + end) for end in (_DRAFT, _COMPLETE))
        for old in (draft, log.path_of(draft), complete):
            old.unlink(missing_ok=True)
        damaged = path.with_name(f"{path.name}.damaged-{stamp}")
        ledger = damaged.with_name(f"{damaged.name}.missing.jsonl")
        with Pages(path, PAGE_SIZE) as pages:
            mending = Mending(_fresh(draft))
            for row in pages.rows():
                mending.take(row)
        known = marker.read(path)
        counts = mending.finish(marker=known)
        found = Salvaged(counts.intact, counts.lost, counts.nameless, damaged, ledger)
        mending.note(found.told())
        replace_file(ledger, "".join(f"{json.dumps(each)}\n" for each in mending.missing()))
        mending.close()
        _sync(draft)
        for file, kept in ((path, damaged), (log.path_of(path), log.path_of(damaged))):
            if file.exists() and not kept.exists():
                os.link(file, kept)
        # From here on the fresh one is the journal: what is begun is finished, also after a crash.
        draft.rename(complete)
        sync_directory(path.parent)
        finish(path)
        if known is not None:
            inode = path.stat().st_ino
            marker.write(
                path, marker.Marker(known.journal, known.era, False, counts.accepted, inode)
            )
    return found


def finish(path: Path) -> None:
    """Put a complete fresh journal in its place, if there is one."""
    complete = path.with_name(path.name + _COMPLETE)
    if complete.exists():
        log.path_of(path).unlink(missing_ok=True)
        complete.replace(path)
        sync_directory(path.parent)


def _fresh(path: Path) -> apsw.Connection:
    """An empty journal, in one transaction that nobody needs to see.

    Of the newest schema, whatever the damaged one has: rows of any before are rows of it.
    """
    connection = apsw.Connection(str(path))
    path.chmod(0o600)
    connection.pragma("page_size", PAGE_SIZE)
    connection.pragma("journal_mode", "off")
    connection.pragma("synchronous", 0)
    connection.pragma("temp_store", 2)
    for script in migrations():
        connection.execute(script)
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", len(migrations()))
    return connection


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise JournalInUse("another process is salvaging this journal; wait") from None
        yield
    finally:
        os.close(handle)
