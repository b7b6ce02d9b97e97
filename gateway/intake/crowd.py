"""How many connections stand at once, and which goes when one too many comes.

Must not know sockets or requests.

Theory: an idle connection promises nothing and may be ended at any time (RFC 9112, section 9.5),
so the one that asked longest ago makes room for who comes now. Where nobody is idle, the newcomer
is told to come back, and a few such may wait to be told; more are cut without a word.
"""

from enum import Enum, auto
from itertools import islice
from typing import Final, Protocol

TOLD_AT_ONCE: Final = 128
_LOOKED_AT: Final = 64


class Standing(Protocol):
    """A connection, as far as it matters here."""

    @property
    def idle(self) -> bool:
        """Whether no request is in hand."""
        ...

    def force_close(self) -> None:
        """End it now."""
        ...


class Place(Enum):
    """What a newcomer gets."""

    ROOM = auto()
    TO_BE_TOLD = auto()
    NONE = auto()


class Crowd:
    """The connections that stand, the one that asked longest ago first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._standing: dict[Standing, None] = {}
        self._told: set[Standing] = set()

    def join(self, newcomer: Standing) -> Place:
        """A connection was made; follow with ``leave`` when it is lost."""
        if len(self._standing) < self._most or self._make_room():
            self._standing[newcomer] = None
            return Place.ROOM
        if len(self._told) < TOLD_AT_ONCE:
            self._told.add(newcomer)
            return Place.TO_BE_TOLD
        return Place.NONE

    def asks(self, connection: Standing) -> None:
        """It asks something now: of all it is the last to make room."""
        if connection in self._standing:
            del self._standing[connection]
            self._standing[connection] = None

    def leave(self, connection: Standing) -> None:
        """It is gone."""
        self._standing.pop(connection, None)
        self._told.discard(connection)

    def _make_room(self) -> bool:
        """End an idle one among those that asked longest ago."""
        for connection in islice(self._standing, _LOOKED_AT):
            if connection.idle:
                del self._standing[connection]
                connection.force_close()
                return True
        # Those have been busy for long; the next look begins behind them.
        for connection in list(islice(self._standing, _LOOKED_AT)):
            self.asks(connection)
        return False
