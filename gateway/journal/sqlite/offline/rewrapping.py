"""Wrap every data key anew under the active key: no ciphertext is touched, no body is read.

Batch by batch, each a transaction: cut off, it goes on where it was when it is begun again, for a
key that is wrapped by the active key already is left alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.journal.binding import ANSWER, BODY, ENVELOPE
from gateway.journal.keyring import NEEDED, KeyRing
from gateway.journal.progress import Progress
from gateway.journal.sealing import SealBroken, Sealer
from gateway.journal.sqlite.offline import opened

AT_ONCE: Final = 500
_PARTS: Final = (ENVELOPE, BODY, ANSWER)
_SELECT: Final = """
SELECT seq, id, station, fingerprint, envelope_key, body_key, answer_key
FROM enrollment JOIN content USING (seq) WHERE seq > ? ORDER BY seq LIMIT ?"""
_UPDATE: Final = """
UPDATE content SET envelope_key = ?, body_key = ?, answer_key = ? WHERE seq = ?"""


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many enrollments were touched, and what could not be unwrapped: it stays as it was."""

    changed: int
    broken: tuple[str, ...]


def needs_more_than_one(path: Path) -> bool:
    """Whether something in the journal is still under a key that is not its newest."""
    with opened(path) as connection:
        keys = connection.execute(
            "SELECT count(DISTINCT key) FROM (SELECT substr(envelope_key, 1, 9) AS key FROM content"
            " WHERE envelope_key <> x'' UNION ALL SELECT substr(body_key, 1, 9) FROM content"
            " WHERE body_key IS NOT NULL UNION ALL SELECT substr(answer_key, 1, 9) FROM content"
            " WHERE answer_key IS NOT NULL)"
        ).get
    return bool(keys > 1)


def rewrap(path: Path, ring: KeyRing, *, progress: Progress) -> Rewrapped:
    """Do it for the whole journal.

    Raises:
        JournalFault: see ``offline.opened``.
    """
    sealer = Sealer(ring)
    changed, broken = 0, list[str]()
    with opened(path) as connection:
        total = int(connection.execute("SELECT count(*) FROM content").get)
        done, last = 0, 0
        while batch := connection.execute(_SELECT, (last, AT_ONCE)).fetchall():
            with connection:
                for row in batch:
                    try:
                        keys = _rewrapped(sealer, row)
                    except SealBroken as fault:
                        broken.append(str(fault))
                        continue
                    if keys != row[4:]:
                        connection.execute(_UPDATE, (*keys, row[0]))
                        changed += 1
            last = int(batch[-1][0])  # type: ignore[arg-type]
            done += len(batch)
            progress(done, total)
        if not broken:
            with connection:
                connection.execute(
                    "INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)",
                    (NEEDED, ring.active.hex()),
                )
    return Rewrapped(changed, tuple(broken))


def _rewrapped(sealer: Sealer, row: tuple[Any, ...]) -> tuple[bytes | None, ...]:
    _, id_, station, fingerprint, *keys = row
    return tuple(
        sealer.rewrapped(
            key, part=part, enrollment_id=id_, station=station, fingerprint=fingerprint
        )
        if key
        else key
        for part, key in zip(_PARTS, keys, strict=True)
    )
