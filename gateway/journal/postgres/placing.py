"""Where new enrollments go in the queue: behind what their station has waiting already.

The rules are in ``core.shares``.
"""

from collections.abc import Iterable, Sequence

from gateway.core.shares import Line, share
from gateway.journal.contract import Entry
from gateway.journal.postgres.session import Session


async def places(session: Session, entries: Sequence[Entry], *, stations: int) -> dict[str, Line]:
    """By id, each one's station's line with it behind. Nothing is changed.

    Args:
        session: with the transaction.
        entries: in the order in which they came.
        stations: that there are, about.
    """
    await session.figures.look(entry.station for entry in entries)
    found = _places(session, entries, stations=stations, known=())
    if any(found[entry.id].last > entry.accepted_at for entry in entries):
        # Beyond a share every place counts: one that is known must not take it from the next.
        known = await session.connection.fetch(
            "SELECT identity FROM enrollment WHERE identity = ANY($1::BYTEA[])",
            [entry.identity for entry in entries],
        )
        found = _places(session, entries, stations=stations, known=[row[0] for row in known])
    return found


def _places(
    session: Session, entries: Sequence[Entry], *, stations: int, known: Iterable[bytes]
) -> dict[str, Line]:
    lines: dict[str, Line] = {}
    found: dict[str, Line] = {}
    taken = set(known)
    total = session.figures.waiting()
    for entry in entries:
        line = lines.get(entry.station) or session.figures.line(entry.station)
        fair = share(others=stations - 1, waiting=total - line.waiting)
        found[entry.id] = line.joined(accepted_at=entry.accepted_at, share=fair)
        if entry.identity not in taken:
            taken.add(entry.identity)
            lines[entry.station] = found[entry.id]
            total += 1
    return found
