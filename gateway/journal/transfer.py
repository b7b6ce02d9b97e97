"""The file in which undelivered enrollments go from one journal to another, sealed as they are.

It is JSON, a document a line: first what it is and which keys it needs, then one for each
enrollment. What comes in is in doubt, for the journal that it comes from may have delivered it
since; a dead letter stays one. Must not know how a journal keeps rows.
"""

import base64
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from gateway.core.lifecycle import Status
from gateway.journal import moves
from gateway.journal.contract import JournalFault
from gateway.journal.keyring import KeyRing
from gateway.journal.moves import Phase, Standing

PLAIN: Final = (
    *("id", "station", "status", "priority", "rank", "attempts", "size", "accepted_at"),
    *("last_attempt_at", "reason"),
)
SEALED: Final = (
    *("identity", "fingerprint", "ordering"),
    *("envelope_key", "envelope", "body_key", "body"),
)
"""Columns of one enrollment, ``PLAIN`` before ``SEALED``; those of the second are bytes or None."""

LEAVING: Final = "status IN ('pending', 'sending', 'in_doubt', 'dead_letter')"
"""What an export holds, in SQL."""

_KIND: Final = "enrollment-gateway undelivered 1"


@dataclass(frozen=True, slots=True)
class Exported:
    """How many, and the ids of the keys that they need."""

    count: int
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """How many are new here, and how many were here already."""

    taken: int
    known: int


@contextmanager
def new_file(file: Path) -> Iterator[TextIO]:
    """A file that is there whole, or not at all; readable by its owner only.

    Raises:
        FileExistsError: it is not replaced.
    """
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def write_head(out: TextIO, *, count: int, keyring: str | None, keys: Sequence[str]) -> None:
    """What it is, how many follow, the journal's mark of its key file, and the keys they need."""
    _write(out, {"kind": _KIND, "count": count, "keyring": keyring, "keys": list(keys)})


def write_row(out: TextIO, row: Sequence[object]) -> None:
    """One enrollment: the columns ``PLAIN``, then ``SEALED``."""
    plain = dict(zip(PLAIN, row, strict=False))
    sealed = zip(SEALED, row[len(PLAIN) :], strict=True)
    _write(out, plain | {name: _text(value) for name, value in sealed})


class Incoming:
    """An export that is read: iterate over its enrollments, a mapping of columns each.

    Raises ``JournalFault`` where it is damaged, or at its end if it is cut short.
    """

    def __init__(self, file: Path, lines: TextIO) -> None:
        self._file = file
        self._lines = lines
        self._head = _document(lines.readline())
        if self._head.get("kind") != _KIND:
            raise JournalFault(f"{file} is no export of undelivered enrollments")
        self.count: int = self._head["count"]

    def check_keys(self, ring: KeyRing) -> None:
        """Raises ``JournalFault`` where this key file would not open all of it."""
        if self._head["keyring"] not in {None, ring.mark()}:
            raise JournalFault(
                "this export needs the key file of the journal that it comes from: with another one"
                " no station would find its enrollment; set journal.key_file to it"
            )
        lacking = sorted(set(self._head["keys"]) - {key_id.hex() for key_id in ring.keys})
        if lacking:
            raise JournalFault(
                f"this export needs keys that the key file lacks: {', '.join(lacking)}"
            )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        number = 0
        for line in self._lines:
            number += 1
            each = _document(line)
            yield each | {name: _bytes(each[name]) for name in SEALED}
        if number != self.count:
            raise JournalFault(
                f"{self._file} is cut short: {number} of {self.count}; nothing was taken"
            )


@contextmanager
def incoming(file: Path, ring: KeyRing) -> Iterator[Incoming]:
    """Read an export.

    Raises:
        JournalFault: it is none, or needs keys that are not here.
    """
    with file.open(encoding="utf-8") as lines:
        found = Incoming(file, lines)
        found.check_keys(ring)
        yield found


def standing(each: dict[str, Any], *, held: bool, now: float) -> Standing:
    """What one becomes here. ``held``: another one is ahead of it with the same ordering key."""
    if each["status"] == Status.DEAD_LETTER:
        return Standing(Status.DEAD_LETTER, Phase.PARKED, None, now, each["reason"])
    return moves.restored(Phase.HELD if held else Phase.READY, now=now)


def _write(out: TextIO, document: dict[str, object]) -> None:
    out.write(json.dumps(document, separators=(",", ":")) + "\n")


def _document(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        raise JournalFault("this is no export, or it is damaged; nothing was taken") from None
    if not isinstance(found, dict):
        raise JournalFault("this is no export, or it is damaged; nothing was taken")
    return found


def _text(value: object) -> str | None:
    return base64.b64encode(value).decode() if isinstance(value, (bytes, memoryview)) else None


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
