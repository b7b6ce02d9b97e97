"""Is the server in trouble? Reads how attempts end alone; must not know windows.

Two degrees. A *trip*: five failures in a row, or half of the last ten, or silence: the server is
down. An *overload sign*: three or more failures in a measurement, at least a twentieth of what came
back, and then an answer: it is still up, but we ask too much. One enrollment that fails while
others pass makes neither.

Refusals come back sooner than answers. Of many attempts that began together the refused ones end
first, in a row, however few they are; so the more still run, the more must have failed: a row as
long as half of them, half of as many as they are, a twentieth of what came back and of them.

*Silence* is what a server that hangs shows at a small window, where five failures would take many
timeouts to gather: two enrollments ended in doubt, and nothing was answered for a whole attempt
timeout. Of answers that get lost now and then it does not speak: the next one breaks the row.
"""

import math
from collections import deque
from enum import Enum, auto
from typing import Final

from gateway.core.recovery.state import Sample

_IN_A_ROW: Final = 5
_ROW_SHARE: Final = 0.5  # of what still runs
_IN_SILENCE: Final = 2
_WHOLE: Final = 0.95  # of an attempt timeout: timers are not exact
_RECENT: Final = 10  # or as many as still run
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
        self._row_began = math.inf  # when the first attempt of the row started
        self._recent: deque[bool] = deque()
        self._seen = 0
        self._failed = 0

    def observe(self, sample: Sample, *, running: int, now: float) -> Trouble:
        """Take in how one attempt ended, while so many others still run."""
        recent = max(_RECENT, running)
        failed = sample.failed
        lately = self._recent
        lately.append(failed)
        while len(lately) > recent:
            lately.popleft()
        self._seen += 1
        if failed:
            self._in_a_row += 1
            self._row_began = min(self._row_began, now - sample.duration)
            self._failed += 1
            row = self._in_a_row >= max(_IN_A_ROW, _ROW_SHARE * running)
            half = len(lately) == recent and 2 * sum(lately) >= recent
            down = row or half or self._is_silent(sample, now)
            return Trouble.TRIP if down else Trouble.NONE
        self._in_a_row = 0
        self._row_began = math.inf
        if self._failed < _SIGNS:
            return Trouble.NONE
        much = self._failed >= _SHARE * (self._seen + running)
        return Trouble.OVERLOAD if much else Trouble.NONE

    def _is_silent(self, sample: Sample, now: float) -> bool:
        """A ghost stays for one attempt timeout: so long was nothing answered."""
        if self._in_a_row < _IN_SILENCE or sample.ghost_until is None:
            return False
        return now - self._row_began >= _WHOLE * (sample.ghost_until - now)

    def begin_measurement(self) -> None:
        """Count overload signs anew."""
        self._seen = self._failed = 0
