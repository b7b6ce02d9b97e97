"""Is the server in trouble? Reads outcomes alone; must not know windows or response times.

Two degrees. A *trip*: five failures in a row, or half of the last ten: the server is down. An
*overload sign*: three or more failures in a measurement, at least a twentieth of what came back,
and then an answer: it is still up, but we ask too much. One enrollment that fails while others pass
makes neither.
"""

from collections import deque
from enum import Enum, auto
from typing import Final

_IN_A_ROW: Final = 5
_RECENT: Final = 10
_SIGNS: Final = 3
_SHARE: Final = 0.05


class Trouble(Enum):
    """How bad it is."""

    NONE = auto()
    OVERLOAD = auto()
    TRIP = auto()


class Watch:
    """Counts failures since the last measurement began, and among the last few outcomes."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._seen = 0
        self._failed = 0

    def observe(self, *, failed: bool) -> Trouble:
        """Take in one outcome."""
        self._recent.append(failed)
        self._seen += 1
        if failed:
            self._in_a_row += 1
            self._failed += 1
            full = len(self._recent) == _RECENT
            down = self._in_a_row >= _IN_A_ROW or (full and 2 * sum(self._recent) >= _RECENT)
            return Trouble.TRIP if down else Trouble.NONE
        self._in_a_row = 0
        much = self._failed >= max(_SIGNS, _SHARE * self._seen)
        return Trouble.OVERLOAD if much else Trouble.NONE

    def begin_measurement(self) -> None:
        """Count overload signs anew."""
        self._seen = self._failed = 0
