"""Is a journal whole: its pages, its figures, and does every sealed part open?"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core.lifecycle import Status
from gateway.journal import damage
from gateway.journal.keyring import MARK, KeyRing, KeyRingFault
from gateway.journal.sealing import SealBroken, Sealer, key_id_of
from gateway.journal.sqlite import rows
from gateway.journal.sqlite.offline import Progress, note, opened

EVERY = 500


@dataclass(slots=True)
class Verified:
    """What was found. ``opened`` counts sealed parts; ``broken`` says for each what is wrong."""

    by_status: dict[str, int] = field(default_factory=dict)
    opened: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.broken and not self.damage


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
    with opened(path, whole=True) as connection:
        if note(connection, MARK) not in {None, ring.mark()}:
            raise KeyRingFault("this key file is not the one that the journal was written with")
        if acknowledge:
            with connection:
                connection.execute("DELETE FROM note WHERE name = ?", (damage.NOTE,))
        counts = connection.execute("SELECT name, value FROM counter").fetchall()
        found.by_status = {
            str(name): int(str(count)) for name, count in counts if name in set(Status)
        }
        total = sum(found.by_status.values())
        query = f"SELECT {rows.WHOLE} FROM enrollment JOIN content USING (seq) ORDER BY seq"  # noqa: S608 - constants
        for number, row in enumerate(connection.execute(query), 1):
            _open(sealer, row, found)
            if number % EVERY == 0 or number == total:
                progress(number, total)
        noted = note(connection, damage.NOTE)
        found.damage = noted.split("\n") if noted else []
    return found


def _open(sealer: Sealer, row: tuple[object, ...], found: Verified) -> None:
    kept = rows.kept(row)
    for part, opening in (
        (kept.envelope, lambda: sealer.envelope(kept)),
        (kept.body, lambda: sealer.open(kept)),
        (kept.answer, lambda: sealer.open_answer(kept)),
    ):
        if part is None:
            continue
        found.keys[key_id_of(part.key).hex()] += 1
        try:
            opening()
        except SealBroken as fault:
            found.broken.append(f"{kept.life.status}: {fault}")
            return
        found.opened += 1
