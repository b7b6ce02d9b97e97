"""Is a journal whole: its pages, its figures, and does every sealed part open?"""

from pathlib import Path

from gateway.core.lifecycle import Status
from gateway.journal import chain, damage
from gateway.journal.keyring import MARK, KeyRing
from gateway.journal.progress import Progress
from gateway.journal.sealing import Sealer
from gateway.journal.sqlite import rows
from gateway.journal.sqlite.offline import bodies_of, note, opened
from gateway.journal.verifying import EVERY, Verified, check_mark

_AUDIT = f"SELECT {rows.AUDIT} FROM audit ORDER BY seq"  # noqa: S608 - constants


def verify(path: Path, ring: KeyRing, *, progress: Progress, acknowledge: bool = False) -> Verified:
    """Look at all of it.

    Args:
        path: the journal's file.
        ring: its keys.
        progress: told now and then.
        acknowledge: let the gateway no longer tell of what was lost without an id.

    Raises:
        KeyRingFault: these are not its keys.
        JournalFault: see ``offline.opened``; ``Damaged`` among it.
    """
    sealer = Sealer(ring)
    found = Verified()
    with opened(path, whole=True) as connection, bodies_of(connection, path) as bodies:
        check_mark(note(connection, MARK), ring)
        if acknowledge:
            with connection:
                connection.execute("DELETE FROM note WHERE name = ?", (damage.NOTE,))
        counts = connection.execute("SELECT name, value FROM counter").fetchall()
        found.by_status = {
            str(name): int(str(count)) for name, count in counts if name in set(Status)
        }
        total = sum(found.by_status.values())
        query = f"SELECT {rows.WHOLE} FROM enrollment JOIN sealed USING (seq) ORDER BY seq"  # noqa: S608 - constants
        for number, row in enumerate(connection.execute(query), 1):
            kept = rows.whole(row, bodies.read)
            bodies.flush()
            found.open(sealer, kept)
            if number % EVERY == 0 or number == total:
                progress(number, total)
        found.audit = chain.check(rows.audit(row) for row in connection.execute(_AUDIT))
        noted = note(connection, damage.NOTE)
        found.damage = noted.split("\n") if noted else []
    return found
