"""One enrollment as the in-memory journal holds it, and what the contract sees of it."""

from dataclasses import dataclass, replace

from gateway.journal.contract import Due, Entry, Kept, Life, Sealed
from gateway.journal.moves import Phase, Standing


@dataclass(frozen=True, slots=True)
class Row:
    """One enrollment. A change makes a new row, so that an old one is known to be stale."""

    seq: int
    identity: bytes
    fingerprint: bytes
    ordering: bytes | None
    rank: float
    phase: Phase
    requeued_at: float | None
    life: Life
    envelope: Sealed
    body: Sealed | None
    answer: Sealed | None

    @classmethod
    def new(cls, seq: int, entry: Entry, begin: Standing, *, lag: float) -> "Row":
        """The row of an enrollment that was just accepted, ``lag`` seconds behind its rank."""
        sent = begin.phase is Phase.SENDING
        life = Life(
            id=entry.id,
            station=entry.station,
            status=begin.status,
            attempts=int(sent),
            priority=entry.priority,
            size=entry.size,
            accepted_at=entry.accepted_at,
            next_attempt_at=begin.next_attempt_at,
            last_attempt_at=entry.accepted_at if sent else None,
            settled_at=begin.settled_at,
            reason=begin.reason,
        )
        return cls(
            seq=seq,
            identity=entry.identity,
            fingerprint=entry.fingerprint,
            ordering=entry.ordering,
            rank=entry.rank + lag,
            phase=begin.phase,
            requeued_at=None,
            life=life,
            envelope=entry.envelope,
            body=entry.body,
            answer=None,
        )

    @property
    def stored(self) -> int:
        """Bytes of sealed content."""
        parts = (self.envelope, self.body, self.answer)
        return sum(len(part.data) for part in parts if part is not None)

    def moved(self, to: Standing) -> "Row":
        """The row after a move; a final one erases the body."""
        life = replace(
            self.life,
            status=to.status,
            next_attempt_at=to.next_attempt_at,
            settled_at=to.settled_at,
            reason=to.reason,
        )
        body = None if to.phase is Phase.DONE else self.body
        return replace(self, phase=to.phase, life=life, body=body)

    def kept(self, *, body: bool) -> Kept:
        """As the contract hands it out."""
        return Kept(
            life=self.life,
            fingerprint=self.fingerprint,
            envelope=self.envelope,
            body=self.body if body else None,
            answer=self.answer,
        )

    def due(self) -> Due:
        """As the contract offers it for an attempt."""
        life = self.life
        return Due(
            id=life.id,
            station=life.station,
            status=life.status,
            rank=self.rank,
            attempts=life.attempts,
            accepted_at=life.accepted_at,
            last_attempt_at=life.last_attempt_at,
            reason=life.reason,
            requeued_at=self.requeued_at,
        )
