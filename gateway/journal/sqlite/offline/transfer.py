"""Undelivered enrollments to a file and from one, sealed as they are.

The file is JSON, a document a line: first what it is and which keys it needs, then one for each
enrollment. What comes in is in doubt, for the journal that it comes from may have delivered it
since; a dead letter stays one. What is there already is left alone, so the same file may come
twice.
"""

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import apsw

from gateway.core.lifecycle import Status
from gateway.journal import moves
from gateway.journal.contract import JournalFault
from gateway.journal.keyring import MARK, KeyRing
from gateway.journal.moves import Phase, Standing
from gateway.journal.sealing import key_id_of
from gateway.journal.sqlite.offline import Progress, note, opened

_KIND: Final = "enrollment-gateway undelivered 1"
_PLAIN: Final = (
    *("id", "station", "status", "priority", "rank", "attempts", "size", "accepted_at"),
    *("last_attempt_at", "reason"),
)
_BYTES: Final = (
    *("identity", "fingerprint", "ordering"),
    *("envelope_key", "envelope", "body_key", "body"),
)
_UNDELIVERED: Final = "status IN ('pending', 'sending', 'in_doubt', 'dead_letter')"
_SELECT: Final = f"""
SELECT {", ".join((*_PLAIN, *_BYTES))} FROM enrollment JOIN content USING (seq)
WHERE {_UNDELIVERED} ORDER BY seq"""  # noqa: S608 - constants
_KNOWN: Final = "SELECT 1 FROM enrollment WHERE id = ? OR identity = ?"
_AHEAD: Final = "SELECT 1 FROM enrollment WHERE ordering = ? AND phase <> 'done'"
_INSERT: Final = """
INSERT INTO enrollment (id, identity, fingerprint, ordering, station, status, phase, priority, rank,
    attempts, size, accepted_at, next_attempt_at, last_attempt_at, settled_at, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_CONTENT: Final = """
INSERT INTO content (seq, envelope_key, envelope, body_key, body)
VALUES (last_insert_rowid(), ?, ?, ?, ?)"""


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


def export(path: Path, file: Path, *, progress: Progress) -> Exported:
    """Write what is undelivered to a new file, readable by its owner only.

    Raises:
        FileExistsError: it is not replaced.
        JournalFault: see ``offline.opened``.
    """
    with opened(path) as connection, _new(file) as out:
        total = connection.execute(f"SELECT count(*) FROM enrollment WHERE {_UNDELIVERED}").get  # noqa: S608 - constants
        keys = set[str]()
        for row in connection.execute(
            f"SELECT envelope_key, body_key FROM enrollment JOIN content USING (seq) WHERE {_UNDELIVERED}"  # noqa: S608, E501 - constants
        ):
            keys |= {key_id_of(key).hex() for key in row if key}
        head = {
            "kind": _KIND,
            "count": total,
            "keyring": note(connection, MARK),
            "keys": sorted(keys),
        }
        _write(out, head)
        for number, row in enumerate(connection.execute(_SELECT), 1):
            plain = dict(zip(_PLAIN, row, strict=False))
            sealed = zip(_BYTES, row[len(_PLAIN) :], strict=True)
            _write(out, plain | {name: _text(value) for name, value in sealed})
            progress(number, total)
    return Exported(total, tuple(sorted(keys)))


def import_(path: Path, file: Path, ring: KeyRing, *, now: float, progress: Progress) -> Imported:
    """Take in what an export holds and this journal does not; all of it or nothing.

    Raises:
        JournalFault: it is no export, is cut short, needs keys that are not here; or as
            ``offline.opened``.
    """
    with opened(path) as connection, file.open(encoding="utf-8") as lines:
        head = _document(lines.readline())
        if head.get("kind") != _KIND:
            raise JournalFault(f"{file} is no export of undelivered enrollments")
        _check_keys(head, ring)
        taken = known = 0
        with connection:
            for line in lines:
                if _take(connection, _document(line), now=now):
                    taken += 1
                else:
                    known += 1
                progress(taken + known, head["count"])
            if taken + known != head["count"]:
                raise JournalFault(
                    f"{file} is cut short: {taken + known} of {head['count']}; nothing was taken"
                )
    return Imported(taken, known)


def _check_keys(head: dict[str, Any], ring: KeyRing) -> None:
    if head["keyring"] not in {None, ring.mark()}:
        raise JournalFault(
            "this export needs the key file of the journal that it comes from: with another one no"
            " station would find its enrollment; set journal.key_file to it"
        )
    lacking = sorted(set(head["keys"]) - {key_id.hex() for key_id in ring.keys})
    if lacking:
        raise JournalFault(f"this export needs keys that the key file lacks: {', '.join(lacking)}")


def _take(connection: apsw.Connection, each: dict[str, Any], *, now: float) -> bool:
    """Put one in; False: it is there."""
    data = {name: _bytes(each[name]) for name in _BYTES}
    if connection.execute(_KNOWN, (each["id"], data["identity"])).fetchall():
        return False
    to = _standing(connection, each, data["ordering"], now=now)
    connection.execute(
        _INSERT,
        (
            each["id"],
            data["identity"],
            data["fingerprint"],
            data["ordering"],
            each["station"],
            to.status,
            to.phase,
            each["priority"],
            each["rank"],
            each["attempts"],
            each["size"],
            each["accepted_at"],
            to.next_attempt_at,
            now,
            to.settled_at,
            to.reason,
        ),
    )
    sealed = (data[name] for name in ("envelope_key", "envelope", "body_key", "body"))
    connection.execute(_CONTENT, tuple(sealed))
    for name in ("accepted", str(to.status)):
        connection.execute("UPDATE counter SET value = value + 1 WHERE name = ?", (name,))
    return True


def _standing(
    connection: apsw.Connection, each: dict[str, Any], ordering: bytes | None, *, now: float
) -> Standing:
    if each["status"] == Status.DEAD_LETTER:
        return Standing(Status.DEAD_LETTER, Phase.PARKED, None, now, each["reason"])
    held = ordering is not None and connection.execute(_AHEAD, (ordering,)).fetchall()
    return moves.restored(Phase.HELD if held else Phase.READY, now=now)


@contextmanager
def _new(file: Path) -> Iterator[TextIO]:
    """A file that is there whole, or not at all."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        file.unlink(missing_ok=True)
        raise


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
    return base64.b64encode(value).decode() if isinstance(value, bytes) else None


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
