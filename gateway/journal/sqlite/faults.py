"""What an error of SQLite, or of the disk, means for the journal's promises."""

import errno
from typing import Final

import apsw

from gateway.journal.contract import JournalBroken, JournalFault, JournalFull, JournalInUse

# After a failed sync the kernel may mark the pages clean although they never reached the disk:
# a second sync would succeed and prove nothing (Rebello et al., "Can Applications Recover from
# fsync Failures?", ATC '20). Other I/O errors fail before the commit is believed.
_SYNC_FAILED: Final = frozenset({apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC})
_FULL: Final = "no space is left on the journal's disk; it goes on when there is"
_MEANINGS: Final[tuple[tuple[type[Exception], type[JournalFault], str], ...]] = (
    (
        apsw.FullError,
        JournalFull,
        _FULL,
    ),
    (
        apsw.BusyError,
        JournalInUse,
        "another gateway has this journal open; stop it, or set journal.url",
    ),
    (
        apsw.CorruptError,
        JournalBroken,
        "the journal is damaged; start the gateway again: it salvages what is intact",
    ),
    (
        UnicodeDecodeError,
        JournalBroken,
        "a text in the journal is damaged; start the gateway again: it salvages what is intact",
    ),
    (
        apsw.NotADBError,
        JournalFault,
        "this file is no enrollment journal; set journal.url to another file",
    ),
)


def fault_of(error: Exception) -> JournalFault:
    """The fault that the caller sees. No value of a row is in its text."""
    if isinstance(error, JournalFault):
        return error
    for kind, fault, text in _MEANINGS:
        if isinstance(error, kind):
            return fault(text)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return JournalFull(_FULL)
    if isinstance(error, OSError):
        return JournalFault(f"the journal could not do this: {error.strerror}")
    if getattr(error, "extendedresult", None) in _SYNC_FAILED:
        return JournalBroken("the disk failed to sync the journal; check the disk, then restart")
    return JournalFault(f"the journal could not do this: {type(error).__name__}: {error}")
