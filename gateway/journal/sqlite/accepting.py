"""Takes an enrollment in, unless it is known, or there is no room."""

from gateway.core.lifecycle import Status
from gateway.journal import moves
from gateway.journal.contract import Accepted, Entry, Existing, JournalFull
from gateway.journal.sqlite import order
from gateway.journal.sqlite.bodies import Bodies, is_large
from gateway.journal.sqlite.contents import Contents
from gateway.journal.sqlite.lines import Lines
from gateway.journal.sqlite.looking import Looking
from gateway.journal.sqlite.session import Session
from gateway.journal.sqlite.space import Space

_INSERT = """
INSERT INTO enrollment (id, identity, fingerprint, ordering, station, status, phase, priority,
    rank, attempts, size, accepted_at, next_attempt_at, last_attempt_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (identity) DO NOTHING"""


class Accepting:
    """Used inside a transaction."""

    def __init__(
        self,
        session: Session,
        space: Space,
        lines: Lines,
        contents: Contents,
        looking: Looking,
        bodies: Bodies,
    ) -> None:
        self._session = session
        self._space = space
        self._lines = lines
        self._contents = contents
        self._looking = looking
        self._bodies = bodies

    def accept(self, entry: Entry, *, sending: bool, size: int) -> Accepted | Existing:
        """Insert, unless the identity is known."""
        session = self._session
        apart = len(entry.body.data) if is_large(entry.body.data) else 0
        growth = self._bodies.growth(apart) if apart else 0
        if not self._space.has_room_for(size, apart=apart, growth=growth):
            known = self._looking.find_identity(entry.identity)
            if known is None:
                raise JournalFull(
                    "the journal has no room for another enrollment; it goes on as enrollments are"
                    " delivered, or free its disk, or raise journal.max_bytes"
                )
            return Existing(known)
        held = entry.ordering is not None and order.head(session, entry.ordering) is not None
        begins = moves.admitted(accepted_at=entry.accepted_at, sending=sending, held=held)
        started = begins.status is Status.SENDING
        line = self._lines.joined(entry.station, accepted_at=entry.accepted_at)
        rank = entry.rank + (line.last - entry.accepted_at)
        session.execute(
            _INSERT,
            (
                entry.id,
                entry.identity,
                entry.fingerprint,
                entry.ordering,
                entry.station,
                begins.status,
                begins.phase,
                entry.priority,
                rank,
                int(started),
                entry.size,
                entry.accepted_at,
                begins.next_attempt_at,
                entry.accepted_at if started else None,
            ),
        )
        if session.connection.changes() == 0:
            known = self._looking.find_identity(entry.identity)
            if known is not None:
                return Existing(known)
        grown = self._contents.put(
            session.connection.last_insert_rowid(), entry, spare=self._space.spare()
        )
        session.counted["accepted"] += 1
        session.counted[begins.status] += 1
        self._space.take(size, apart=apart, grown=grown)
        self._lines.join(entry.station, line)
        return Accepted(begins.status, rank)
