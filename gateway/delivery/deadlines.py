"""Until when each exchange may take: one timer for all of them.

Nearly all have the same time, so they would run out in the order in which they began, and nearly
none does: a timer for each is made and taken back for nothing. Must not know what ends by it, or
how.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_FINEST: Final = 0.001  # seconds; the event loop's own time is no finer


class Deadlines(Generic[T]):
    """What is under way, each with the time (the event loop's, in seconds) at which it is over."""

    def __init__(self, over: Callable[[T], None]) -> None:
        """``over`` is called with what has run out of time, once, and must not add to it."""
        self._over = over
        self._ends: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = float("inf")  # when the timer rings

    def add(self, one: T, at: float) -> None:
        """It is under way, until ``at``."""
        self._ends[one] = at
        if at < self._due:
            self._wait_until(at)

    def discard(self, one: T) -> None:
        """It is not under way any more. The timer may ring for nothing."""
        self._ends.pop(one, None)

    def stop(self) -> tuple[T, ...]:
        """Wait no more; what was under way."""
        left = tuple(self._ends)
        self._ends.clear()
        self._wait_until(None)
        return left

    def _wait_until(self, at: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due = None, float("inf")
        if at is not None:
            self._timer = asyncio.get_running_loop().call_at(at, self._ring)
            self._due = at

    def _ring(self) -> None:
        by = asyncio.get_running_loop().time() + _FINEST
        for one in [each for each, at in self._ends.items() if at <= by]:
            if self._ends.pop(one, None) is not None:
                self._over(one)
        self._wait_until(min(self._ends.values(), default=None))

    def __contains__(self, one: object) -> bool:
        """Whether it is under way."""
        return one in self._ends

    def __len__(self) -> int:
        """How many are under way."""
        return len(self._ends)
