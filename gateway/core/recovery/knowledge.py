"""What is known of the server over outages and restarts: the good window, and the cliff.

Must not know states.

A cliff is the number outstanding at which the server fell over. It bounds the window from above,
with room to spare, and the bound loosens with time, since servers get repaired. A cliff below a
window that used to be good may be a coincidence, so the first one is believed for a minute only;
each time it is met again the belief lasts twice as long, up to the full ten minutes. One that was
told by failures that are no outage is taken back when they come at a smaller window, too: a few
that fail at any window are no cliff.
"""

from dataclasses import dataclass, replace
from typing import Final

from gateway.core.recovery.settings import LimiterSettings
from gateway.core.window import EVEN, Spread

_FIRST_SHARE: Final = 1 / 3  # of the good window: even half a server bears it with ease
_MARGIN: Final = 0.85  # of the cliff
_HOLD: Final = 600.0  # seconds until a bound loosens; then ten percent per such time
_FADE: Final = 0.99  # of the slowest answer, with each that comes
_DOUBT_HOLD: Final = 60.0  # seconds a cliff below the good window is believed at first


@dataclass(frozen=True, slots=True)
class Memory:
    """What survives a restart. Every field is a JSON number or null.

    Attributes:
        good_window: where the server was used fully without harm.
        cliff: outstanding attempts at which it fell over.
        cliff_age: seconds since then. Time in which the gateway did not run does not count.
        cliff_hold: seconds for which that bound is kept.
        fall: the cliff that is left if failures that are no outage told that one; 0: there is none.
            None: it fell over at that one.
    """

    good_window: int | None = None
    cliff: int | None = None
    cliff_age: float = 0.0
    cliff_hold: float = _HOLD
    fall: int | None = None


@dataclass(frozen=True, slots=True)
class Cliff:
    """Where the server fell over, when (monotonic seconds), and how long it is believed."""

    at: int
    learned: float
    hold: float

    def bound(self, now: float) -> int:
        """The largest window allowed by it."""
        overtime = max(0.0, now - self.learned - self.hold) / self.hold
        return int(self.at * _MARGIN * (1.0 + 0.1 * overtime))


class Knowledge:
    """The good window, the cliff, and how uneven service is: shared by the states.

    ``spread`` is measured in slow start, where there is no queue. ``slowest`` is how many seconds
    an answer lately took at most. Neither survives a restart.
    """

    def __init__(
        self, settings: LimiterSettings, memory: Memory | None = None, *, now: float
    ) -> None:
        memory = memory or Memory()
        self.settings = settings
        self.good: int | None = memory.good_window
        self.spread: Spread = EVEN
        self.slowest: float | None = None
        self.cliff: Cliff | None = None
        self._of_a_fall: Cliff | None = None  # what is left if the cliff is taken back
        if memory.cliff is not None:
            self.cliff = Cliff(memory.cliff, now - memory.cliff_age, memory.cliff_hold)
            self._of_a_fall = self.cliff
            if memory.fall is not None:  # it is older than the cliff; to take it for as old is safe
                fall = Cliff(memory.fall, self.cliff.learned, _HOLD)
                self._of_a_fall = fall if memory.fall else None

    def memory(self, *, now: float) -> Memory:
        """What to keep over a restart."""
        if self.cliff is None:
            return Memory(self.good)
        age = 60.0 * ((now - self.cliff.learned) // 60.0)  # coarse: it is written when it changes
        left = self._of_a_fall
        fall = None if left is self.cliff else 0 if left is None else left.at
        return Memory(self.good, self.cliff.at, age, self.cliff.hold, fall)

    def first_window(self, *, now: float) -> int:
        """Where slow start begins: a handful, or a small share of what was good before."""
        known = 0.0 if self.good is None else _FIRST_SHARE * self.good
        return self.clamp(max(self.settings.initial_window, known), now=now)

    def clamp(self, window: float, *, now: float) -> int:
        """The allowed window nearest to ``window``."""
        ceiling = self.settings.max_window
        if self.cliff is not None:
            ceiling = min(ceiling, self.cliff.bound(now))
        return max(1, min(ceiling, round(window)))

    def learn_cliff(self, at: int, *, now: float, fell: bool = True) -> None:
        """The server fell over with ``at`` outstanding, and it was our doing.

        Not ``fell``: it stayed up, and some failed.
        """
        known = self.cliff
        again = known is not None and abs(known.at - at) <= 0.25 * known.at
        if self.good is None or at > self.good:
            hold = _HOLD
        elif again and known is not None:
            hold = min(_HOLD, 2 * known.hold)
        else:
            hold = _DOUBT_HOLD
        self.cliff = Cliff(at, now, hold)
        if known is not None and again:
            self.cliff = replace(self.cliff, at=min(at, known.at))
        if fell:
            self._of_a_fall = self.cliff

    def answered(self, seconds: float) -> None:
        """An answer took so long."""
        self.slowest = max(seconds, _FADE * (self.slowest or 0.0))

    def overloaded(self, window: int) -> None:
        """Some fail at this window. If it is well below the cliff, that was none."""
        if self.cliff is not None and window < _MARGIN * self.cliff.at:
            self.cliff = self._of_a_fall
