"""An event loop whose clock stands still while the machine does.

A machine that others use stops a process now and then, for seconds at times. To the deadlines of a
listener and to a station that sends in time both then seem late, and which comes first is chance.
On this loop such a stop is over in no time: every wait of the process is as long as it would be on
a machine of its own. What is slow for another reason, another process or thread, stays slow.
"""

import asyncio
import selectors
import time
from typing import Final

LATE_SECONDS: Final = 0.02
"""A wait that ends, or a turn that takes, so much longer than it should was stopped."""


class _Watch(selectors.DefaultSelector):
    """Adds up how long the process was stopped, seconds: in a wait, or in a turn of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = 0.0
        self._began = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        asleep = time.monotonic()
        self._count(asleep - self._began)
        ready = super().select(timeout)
        self._began = time.monotonic()
        if timeout is not None:
            self._count(self._began - asleep - max(timeout, 0.0))
        return ready

    def _count(self, late: float) -> None:
        if late > LATE_SECONDS:
            self.stopped += late


class SteadyLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._watch = _Watch()
        super().__init__(self._watch)

    def time(self) -> float:
        """Seconds, without those for which the process was stopped."""
        return super().time() - self._watch.stopped


class SteadyPolicy(asyncio.DefaultEventLoopPolicy):
    """Whoever asks for a loop gets one of these."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return SteadyLoop()
