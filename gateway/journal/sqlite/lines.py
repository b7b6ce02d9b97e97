"""The stations' lines beside their rows: read when the file opens, undone with a transaction.

Must not know what a line means; that is ``core.shares``.
"""

from typing import Final

import apsw

from gateway.core.rank import handicap
from gateway.core.shares import Line, Shares

# Counted row by row into as many lines as there are: a GROUP BY would first sort all the rows, in
# memory, which for a million of them is 65 MB.
_COUNT: Final = """
CREATE TEMP TABLE line (
    station TEXT, priority INTEGER, waiting INTEGER, rank REAL, PRIMARY KEY (station, priority)
) WITHOUT ROWID;
INSERT INTO line
SELECT station, priority, waits, iif(waits, rank, NULL) FROM (
    SELECT station, priority, rank, status IN ('pending', 'sending', 'in_doubt') AS waits
    FROM enrollment)
WHERE true ON CONFLICT DO UPDATE SET
    waiting = waiting + excluded.waiting,
    rank = max(ifnull(rank, excluded.rank), ifnull(excluded.rank, rank))"""


class Lines:
    """What each station has waiting, as of the transaction at hand."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Read them, once: from then on they follow the changes, and nothing is counted again."""
        self._shares = Shares()
        self._before: dict[str, Line] = {}
        connection.execute(_COUNT)
        for station, priority, waiting, rank in connection.execute("SELECT * FROM line"):
            line = self._shares.line(station)
            last = line.last if rank is None else max(line.last, rank - handicap(priority))
            self._shares.put(station, Line(line.waiting + waiting, last))
        connection.execute("DROP TABLE line")

    def joined(self, station: str, *, accepted_at: float) -> Line:
        """A station's line with a new one behind it: for ``join``, when it is in the file."""
        return self._shares.joined(station, accepted_at=accepted_at)

    def join(self, station: str, line: Line) -> None:
        """A new one waits."""
        self._note(station)
        self._shares.put(station, line)

    def moved(self, station: str, *, waited: bool, waits: bool) -> None:
        """One moved between waiting and not, or did not."""
        if waited == waits:
            return
        self._note(station)
        if waits:
            self._shares.come_back(station)
        else:
            self._shares.leave(station)

    def keep(self) -> None:
        """The transaction is committed."""
        self._before.clear()

    def undo(self) -> None:
        """It is not."""
        for station, line in self._before.items():
            self._shares.put(station, line)
        self._before.clear()

    def _note(self, station: str) -> None:
        if station not in self._before:
            self._before[station] = self._shares.line(station)
