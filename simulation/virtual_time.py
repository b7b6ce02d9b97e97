"""An event loop whose time jumps to the next timer: an hour of sleeping takes milliseconds.

No threads, no sockets, nothing from outside: what runs on it runs the same way every time.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class StalledError(RuntimeError):
    """Everything waits and no timer is set: in real life this would hang."""


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for the timeout, lets it have passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return []  # something is ready already, and nothing comes from outside
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise StalledError("nothing is left that could ever happen")
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time, from 0.0 seconds."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Set a timer. Until it runs time passes, however little.

        The loop runs timers that are due within its clock's resolution at once. Real time goes on
        meanwhile; here, two that wait by turns for the rest of such an instant would do so for
        ever.
        """
        now, resolution = self.time(), self._clock_resolution  # type: ignore[attr-defined]
        if now < when < now + resolution:
            when = now + resolution
        return super().call_at(when, callback, *args, context=context)


class VirtualClock:
    """The gateway's clock on a virtual loop. ``jump`` sets the wall clock as an operator may."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, wall: float = 1_800_000_000.0) -> None:
        self._loop = loop
        self._wall = wall

    def now(self) -> float:
        """Wall seconds."""
        return self._wall + self._loop.time()

    def monotonic(self) -> float:
        """Virtual seconds."""
        return self._loop.time()

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back."""
        self._wall += seconds


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a fresh virtual loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
