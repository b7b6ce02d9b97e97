"""What a journal must be found as: a small file beside it, so that it is never silently less.

Theory: a journal whose file was emptied, removed, or put back from a backup is sound in itself;
only something outside of it can tell that it held more. So the file beside it says which journal it
is, which era (each opening begins one, and the journal writes it down too), whether a log must be
there, how many it had accepted at least, and which file it was. It is written when the journal is
opened, closed, and written back; never for an enrollment.

What it cannot tell: a snapshot of the whole machine or file system that is rolled back takes it
along. Pure but for ``read`` and ``write``.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from gateway.files import replace_file

ERA: Final = "era"
"""The name of the note that holds it."""
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Era:
    """Which journal it is, and how often it was opened: kept in the journal itself."""

    journal: str
    number: int

    @classmethod
    def parse(cls, text: str | None) -> "Era | None":
        """From the note that the journal keeps."""
        if text is None:
            return None
        journal, _, number = text.partition(" ")
        return cls(journal, int(number))

    def __str__(self) -> str:
        return f"{self.journal} {self.number}"


@dataclass(frozen=True, slots=True)
class Marker:
    """The file's content.

    Attributes:
        journal: names the journal; letters made at random when it was new.
        era: the number of its last opening.
        running: it was not closed: its log must be there, with this era's beginning in it.
        accepted: how many it had accepted by then, at least.
        inode: of its file: a copy has another.
        suspect: it was given up as broken; look at all of it.
    """

    journal: str
    era: int
    running: bool
    accepted: int
    inode: int
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What there is at an opening.

    Attributes:
        era: the last one that the journal itself knows; None: from before there were any.
        accepted: how many it has accepted.
        inode: of its file.
        has_log: there was something in its write-ahead log before it was opened.
    """

    era: Era | None
    accepted: int
    inode: int
    has_log: bool


@dataclass(frozen=True, slots=True)
class Older:
    """It is older than it should be. ``why``: for people; ``missing``: at least so many."""

    why: str
    missing: int


def judge(marker: Marker | None, found: Found) -> Older | None:
    """Whether what there is may lack something that there was; None: it is as it was left."""
    if marker is None:
        # Empty, it may be one whose first start was cut off before the marker was written.
        is_new = found.era is None or found.accepted == 0
        return None if is_new else Older("the marker beside it is missing", 0)
    missing = max(marker.accepted - found.accepted, 0)
    why = None
    if found.era is not None and found.era.journal != marker.journal:
        why, missing = "another journal was put in its place", 0
    elif marker.running and not found.has_log:
        why = "its write-ahead log is gone, and with it the last changes"
    elif found.era is None or found.era.number < marker.era:
        why = "it is older than the marker beside it"
    elif missing:
        why = "it holds less than it did"
    elif found.inode != marker.inode:
        why = "its file is a copy"
    return None if why is None else Older(why, missing)


def refusal(marker: Marker | None, journal: Path) -> str | None:
    """Why nothing may be started where the journal's file is gone or empty; None: it may."""
    size = journal.stat().st_size if journal.exists() else None
    if size or marker is None or (marker.accepted == 0 and not marker.running):
        return None
    return (
        f"the journal {journal} is {'gone' if size is None else 'empty'}, but it had accepted at"
        f" least {marker.accepted} enrollments. Put it back, with its -wal file, from its disk or"
        " your backup. Only if it is lost for good, and you accept that what it held will never be"
        f" delivered from here: remove {of(journal)}, and an empty journal is begun"
    )


def of(journal: Path) -> Path:
    """The file beside a journal."""
    return journal.with_name(journal.name + ".marker")


def read(journal: Path) -> Marker | None:
    """The marker beside a journal; None: there is none that can be read."""
    try:
        document = json.loads(of(journal).read_text("utf-8"))
        if document.pop("version") != _VERSION:
            return None
        return Marker(**document)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write(journal: Path, marker: Marker) -> None:
    """Durable when it returns; after a crash there is the old one or the new.

    Raises:
        OSError: it cannot be written.
    """
    replace_file(of(journal), json.dumps({"version": _VERSION, **asdict(marker)}) + "\n")
