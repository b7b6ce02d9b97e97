"""Keeps the marker beside a journal in step with it, and judges by it what is found at an opening.

The order is the promise: an era's beginning is durable in the log before the marker demands that
there be a log, and the marker stops demanding it before the log is emptied.
"""

import secrets
from dataclasses import replace
from pathlib import Path

from gateway.journal.contract import JournalFault
from gateway.journal.sqlite import marker
from gateway.journal.sqlite.marker import Era, Found, Marker, Older


class Guard:
    """One for each opening."""

    def __init__(self, path: Path) -> None:
        """Look before anything is opened.

        Raises:
            JournalFault: the journal's file is gone or empty, and it was not.
        """
        self._path = path
        self._known = marker.read(path)
        refusal = marker.refusal(self._known, path)
        if refusal is not None:
            raise JournalFault(refusal)
        log = path.with_name(f"{path.name}-wal")
        self._has_log = log.exists() and log.stat().st_size > 0
        self._now: Marker | None = None

    @property
    def is_marked(self) -> bool:
        """Whether the file is known to be a journal."""
        return self._known is not None

    @property
    def suspects(self) -> bool:
        """Whether all of it must be looked at: it was given up as broken."""
        return self._known is not None and self._known.suspect

    def opening(self) -> None:
        """It is ours alone, and its log is about to be written back and emptied.

        Not where the log is gone: that must be found again if this opening comes to no end.
        """
        if self._known is not None and self._known.running and self._has_log:
            marker.write(self._path, replace(self._known, running=False))

    def judge(self, era: Era | None, *, accepted: int) -> Older | None:
        """Whether the journal, now open, is older than it should be."""
        inode = self._path.stat().st_ino
        return marker.judge(self._known, Found(era, accepted, inode, self._has_log))

    def next_era(self, era: Era | None) -> Era:
        """The one that begins now, for the journal to write down."""
        known = self._known
        if era is None:
            journal = known.journal if known is not None else secrets.token_hex(8)
            era = Era(journal, 0)
        past = known.era if known is not None and known.journal == era.journal else 0
        return Era(era.journal, max(era.number, past) + 1)

    def begun(self, era: Era, *, accepted: int) -> None:
        """The era's beginning is durable in the log: demand it from now on."""
        inode = self._path.stat().st_ino
        self._write(Marker(era.journal, era.number, True, accepted, inode))

    def written_back(self, *, accepted: int) -> None:
        """The file itself holds so many now."""
        if self._now is not None:
            self._write(replace(self._now, accepted=accepted))

    def closing(self, *, accepted: int) -> None:
        """All of the log is about to be written back into the file."""
        if self._now is not None:
            self._write(replace(self._now, running=False, accepted=accepted))

    def broken(self) -> None:
        """It was given up; the next opening must look at all of it."""
        if self._now is not None:
            self._write(replace(self._now, suspect=True))

    def _write(self, found: Marker) -> None:
        marker.write(self._path, found)
        self._now = found
