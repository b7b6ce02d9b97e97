"""Undelivered enrollments of a journal's file to an export and from one.

What is there already is left alone, so the same export may come twice. The export's own form is in
``journal.transfer``.
"""

from pathlib import Path
from typing import Any, Final

import apsw

from gateway.journal.keyring import MARK, KeyRing
from gateway.journal.progress import Progress
from gateway.journal.sealing import key_id_of
from gateway.journal.sqlite.bodies import Bodies, is_large
from gateway.journal.sqlite.faults import fault_of
from gateway.journal.sqlite.offline import bodies_of, note, opened
from gateway.journal.transfer import (
    LEAVING,
    PLAIN,
    SEALED,
    Exported,
    Imported,
    incoming,
    new_file,
    standing,
    write_head,
    write_row,
)

_SELECT: Final = f"""
SELECT {", ".join((*PLAIN, *SEALED))}, place, length FROM enrollment JOIN sealed USING (seq)
WHERE {LEAVING} ORDER BY seq"""  # noqa: S608 - constants
_KEYS: Final = f"""
SELECT envelope_key, body_key FROM enrollment JOIN content USING (seq) WHERE {LEAVING}"""  # noqa: S608 - as above
_KNOWN: Final = "SELECT 1 FROM enrollment WHERE id = ? OR identity = ?"
_AHEAD: Final = "SELECT 1 FROM enrollment WHERE ordering = ? AND phase <> 'done'"
_INSERT: Final = """
INSERT INTO enrollment (id, identity, fingerprint, ordering, station, status, phase, priority, rank,
    attempts, size, accepted_at, next_attempt_at, last_attempt_at, settled_at, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_CONTENT: Final = "INSERT INTO content (seq, envelope_key, envelope, body_key) VALUES (?, ?, ?, ?)"
_BODY: Final = "INSERT INTO body (seq, data) VALUES (?, ?)"


def export(path: Path, file: Path, *, progress: Progress) -> Exported:
    """Write what is undelivered to a new file, readable by its owner only.

    Raises:
        FileExistsError: it is not replaced.
        JournalFault: see ``offline.opened``.
    """
    with (
        opened(path) as connection,
        bodies_of(connection, path) as bodies,
        new_file(file) as out,
    ):
        total = connection.execute(f"SELECT count(*) FROM enrollment WHERE {LEAVING}").get  # noqa: S608 - constants
        used = set[str]()
        for row in connection.execute(_KEYS):
            used |= {key_id_of(key).hex() for key in row if key}
        keys = tuple(sorted(used))
        write_head(out, count=total, keyring=note(connection, MARK), keys=keys)
        for number, (*columns, place, length) in enumerate(connection.execute(_SELECT), 1):
            if place is not None:
                columns[-1] = bodies.read(place, length)
                bodies.flush()
            write_row(out, columns)
            progress(number, total)
    return Exported(total, keys)


def import_(path: Path, file: Path, ring: KeyRing, *, now: float, progress: Progress) -> Imported:
    """Take in what an export holds and this journal does not; all of it or nothing.

    Raises:
        JournalFault: it is no export, is cut short, needs keys that are not here; or as
            ``offline.opened``.
    """
    with (
        opened(path) as connection,
        bodies_of(connection, path) as bodies,
        incoming(file, ring) as export_file,
    ):
        taken = known = 0
        with connection:
            for each in export_file:
                if _take(connection, bodies, each, now=now):
                    taken += 1
                else:
                    known += 1
                progress(taken + known, export_file.count)
            bodies.sync()
    return Imported(taken, known)


def _take(connection: apsw.Connection, bodies: Bodies, each: dict[str, Any], *, now: float) -> bool:
    """Put one in; False: it is there."""
    if connection.execute(_KNOWN, (each["id"], each["identity"])).fetchall():
        return False
    ordering = each["ordering"]
    held = ordering is not None and bool(connection.execute(_AHEAD, (ordering,)).fetchall())
    to = standing(each, held=held, now=now)
    connection.execute(
        _INSERT,
        (
            each["id"],
            each["identity"],
            each["fingerprint"],
            ordering,
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
    seq = connection.last_insert_rowid()
    connection.execute(_CONTENT, (seq, each["envelope_key"], each["envelope"], each["body_key"]))
    body = each["body"]
    if body is not None and is_large(body):
        try:
            bodies.put(seq, body)
            bodies.flush()
        except OSError as error:
            raise fault_of(error) from error
    elif body is not None:
        connection.execute(_BODY, (seq, body))
    for name in ("accepted", str(to.status)):
        connection.execute("UPDATE counter SET value = value + 1 WHERE name = ?", (name,))
    return True
