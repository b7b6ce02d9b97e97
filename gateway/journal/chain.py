"""The audit's chain: each record carries a digest of itself and of the one before it.

Pure. Must not know where records are kept.

Theory: whoever changes, removes or inserts a record must change every link after it. What the
chain alone cannot show is that its end was cut off, or that all of it was written anew; so each
link also goes into the log, which lives elsewhere, and a link that was noted down is a ``head``
that the chain must still contain. A link is written in letters, a to p for the 16 digits of
hexadecimal: a digest may hold 16 digits in a row, and must not be mistaken for a citizen's number.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.moments import iso
from gateway.journal.contract import AuditRecord

_LETTERS: Final = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def link(before: str, *, seq: int, at: str, texts: Sequence[str]) -> str:
    """SHA-256 over the JSON list of all of it, 64 letters.

    Args:
        before: the link of the record before; empty for the first.
        seq: its number.
        at: its time as it is shown, RFC 3339 to the millisecond.
        texts: actor, action, subject, detail.
    """
    told = json.dumps([before, seq, at, *texts], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest().translate(_LETTERS)


def linked(before: AuditRecord | None, record: AuditRecord) -> AuditRecord:
    """The record as it follows the one before: its number and its link are made here."""
    seq, previous = (1, "") if before is None else (before.seq + 1, before.link)
    texts = (record.actor, record.action, record.subject, record.detail)
    made = link(previous, seq=seq, at=iso(record.at), texts=texts)
    return AuditRecord(seq, record.at, *texts, link=made)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at a chain found.

    Attributes:
        records: how many were looked at.
        unlinked: how many at the beginning are older than the chain, and prove nothing.
        head: the last link; empty if there is none.
        broken_at: the number of the first record that does not follow from the one before it.
        head_missing: the link that was noted down is not in the chain: its end was cut off, or
            all of it was written anew.
    """

    records: int
    unlinked: int
    head: str
    broken_at: int | None
    head_missing: bool

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.broken_at is None and not self.head_missing


def check(records: Iterable[AuditRecord], *, noted: str | None = None) -> Finding:
    """Follow a chain from its first record, oldest first.

    Args:
        records: all of them.
        noted: a link that must be in it, as it stood in the log.
    """
    before: AuditRecord | None = None
    count = unlinked = 0
    broken_at: int | None = None
    found = not noted
    for record in records:
        count += 1
        if not record.link and (before is None or not before.link):
            unlinked += 1
            follows = record.seq == (1 if before is None else before.seq + 1)
        else:
            follows = linked(before, record) == record
        if not follows and broken_at is None:
            broken_at = record.seq
        found = found or record.link == noted
        before = record
    head = before.link if before is not None else ""
    return Finding(count, unlinked, head, broken_at, not found)
