"""What the check of a whole journal finds. Must not know how a journal keeps rows."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from gateway.journal.chain import Finding
from gateway.journal.contract import Kept
from gateway.journal.keyring import KeyRing, KeyRingFault
from gateway.journal.sealing import SealBroken, Sealer, key_id_of

EVERY: Final = 500
"""Rows after which progress is told."""


@dataclass(slots=True)
class Verified:
    """What was found.

    Attributes:
        by_status: how many enrollments of each.
        opened: sealed parts that open.
        keys: how many data keys each key wraps, by its id.
        broken: for each sealed part that does not open, what is wrong.
        damage: what was lost and is not acknowledged.
        audit: what the audit's chain says; None: not looked at.
    """

    by_status: dict[str, int] = field(default_factory=dict)
    opened: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    audit: Finding | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.broken and not self.damage and (self.audit is None or self.audit.holds)

    def open(self, sealer: Sealer, kept: Kept) -> None:
        """Open every sealed part of one enrollment."""
        for part, opening in (
            (kept.envelope, lambda: sealer.envelope(kept)),
            (kept.body, lambda: sealer.open(kept)),
            (kept.answer, lambda: sealer.open_answer(kept)),
        ):
            if part is None:
                continue
            self.keys[key_id_of(part.key).hex()] += 1
            try:
                opening()
            except SealBroken as fault:
                self.broken.append(f"{kept.life.status}: {fault}")
                return
            self.opened += 1


def check_mark(mark: str | None, ring: KeyRing) -> None:
    """Raises ``KeyRingFault`` where a journal with this mark has other keys."""
    if mark not in {None, ring.mark()}:
        raise KeyRingFault("this key file is not the one that the journal was written with")
