"""What is counted over all gateways, as one transaction sees it: sums, and each station's line.

Each gateway counts on a shard of its own, so that they do not wait for each other: a line that is
written stays locked until its commit is on the standbys, too. The truth is the sum of all shards.
What other gateways commit at the same moment is not seen: for a moment a flood over several of them
lags a little less than ``core.shares`` says. Must not know what is counted.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from gateway.core.lifecycle import UNDELIVERED
from gateway.core.shares import NOBODY, Line

SHARDS: Final = 16
_READ: Final = ["bytes", *sorted(UNDELIVERED)]

_LOOK: Final = """
SELECT true, name, sum(value)::BIGINT, NULL FROM counter WHERE name = ANY($1::TEXT[]) GROUP BY name
UNION ALL
SELECT false, name, sum(waiting)::BIGINT, max(last) FROM station WHERE name = ANY($2::TEXT[])
GROUP BY name"""
_COUNT: Final = """
INSERT INTO counter AS c (name, shard, value)
SELECT name, $1, change FROM unnest($2::TEXT[], $3::BIGINT[]) AS g (name, change) ORDER BY name
ON CONFLICT (name, shard) DO UPDATE SET value = c.value + excluded.value"""
_LINES: Final = """
INSERT INTO station AS s (name, shard, waiting, last)
SELECT name, $1, change, last
FROM unnest($2::TEXT[], $3::BIGINT[], $4::DOUBLE PRECISION[]) AS g (name, change, last)
ORDER BY name
ON CONFLICT (name, shard) DO UPDATE
SET waiting = s.waiting + excluded.waiting, last = greatest(s.last, excluded.last)"""

# Beside the counters: how many times a gateway was started.
_START: Final = """
INSERT INTO counter AS c (name, shard, value) VALUES ('starts', 0, 1)
ON CONFLICT (name, shard) DO UPDATE SET value = c.value + 1
RETURNING value"""


async def own_shard(connection: Any) -> int:  # noqa: ANN401 - asyncpg's
    """For a gateway that starts: none of the last fifteen to start has it. Outside a transaction.

    In turn, as chance would give one pair of gateways in sixteen the same.
    """
    starts: int = await connection.fetchval(_START)
    return starts % SHARDS


class Figures:
    """Of one transaction: what it found, and what it changes. ``changed`` counts by name."""

    def __init__(self, connection: Any, *, shard: int) -> None:  # noqa: ANN401 - asyncpg's
        self._connection = connection
        self._shard = shard
        self._found: Counter[str] | None = None
        self._lines: dict[str, Line] = {}
        self._moved: Counter[str] = Counter()
        self._lasts: dict[str, float] = {}
        self.changed: Counter[str] = Counter()

    async def look(self, stations: Iterable[str] = ()) -> None:
        """Read the sums, and these stations' lines; what was read before is not read again."""
        new = set(stations) - self._lines.keys()
        if self._found is not None and not new:
            return
        names = _READ if self._found is None else []
        self._found = self._found or Counter()
        self._lines.update(dict.fromkeys(new, NOBODY))
        for is_sum, name, value, last in await self._connection.fetch(_LOOK, names, sorted(new)):
            if is_sum:
                self._found[name] = value
            else:
                self._lines[name] = Line(value, last)

    async def bytes(self) -> int:
        """Of what is alive, this transaction's own among them."""
        await self.look()
        return (self._found or Counter())["bytes"] + self.changed["bytes"]

    def waiting(self) -> int:
        """Undelivered enrollments of all stations, after ``look``."""
        found = self._found or Counter()
        return sum(found[status] for status in UNDELIVERED) + self._moved.total()

    def line(self, station: str) -> Line:
        """A station's, after ``look`` at it."""
        found = self._lines[station]
        waiting = max(0, found.waiting + self._moved[station])
        return Line(waiting, max(found.last, self._lasts.get(station, found.last)))

    def join(self, station: str, line: Line) -> None:
        """One more waits."""
        self._moved[station] += 1
        self._lasts[station] = line.last

    def leave(self, station: str) -> None:
        """One waits no more."""
        self._moved[station] -= 1

    def come_back(self, station: str) -> None:
        """One waits again that had left, at the place that it had."""
        self._moved[station] += 1

    async def write(self, *, something: bool) -> None:
        """Write what has changed. ``something``: a row, even if nothing has."""
        changes = {name: by for name, by in sorted(self.changed.items()) if by}
        if something and not changes:
            changes = {"accepted": 0}
        if changes:
            await self._connection.execute(
                _COUNT, self._shard, list(changes), list(changes.values())
            )
        moved = sorted(name for name, by in self._moved.items() if by or name in self._lasts)
        if moved:
            await self._connection.execute(
                _LINES,
                self._shard,
                moved,
                [self._moved[name] for name in moved],
                [self._lasts.get(name, NOBODY.last) for name in moved],
            )


async def stations(connection: Any) -> int:  # noqa: ANN401 - asyncpg's
    """How many stations have sent anything. Reads all of their lines: not for every enrollment."""
    count: int = await connection.fetchval("SELECT count(DISTINCT name) FROM station")
    return count
