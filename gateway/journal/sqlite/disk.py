"""The thread that waits for the disk, so that the event loop does not.

It is given one step at a time, and says on the loop how that ended. Must not know what a step does.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Final, TypeAlias

Step: TypeAlias = Callable[[], None]
Ended: TypeAlias = Callable[[Exception | None], None]
"""Told on the event loop how a step ended: with this error, or None."""

NAME: Final = "journal"


class Disk:
    """One thread, begun at once."""

    def __init__(self, *, orphaned: Step) -> None:
        """``orphaned``: run in the thread, as its last, when it finds that the loop is closed."""
        self._loop = asyncio.get_running_loop()
        self._orphaned = orphaned
        self._steps: queue.SimpleQueue[tuple[Step, Ended] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=NAME, daemon=True).start()

    def run(self, step: Step, ended: Ended) -> None:
        """Run a step in the thread, after those before it."""
        self._steps.put((step, ended))

    def stop(self) -> None:
        """End the thread after the steps before."""
        self._steps.put(None)

    def _run(self) -> None:
        is_awaited = True
        while is_awaited and (given := self._steps.get()) is not None:
            is_awaited = self._take(*given)
            del given  # a step holds bodies: not while the next is waited for
        if not is_awaited:
            with contextlib.suppress(Exception):
                self._orphaned()

    def _take(self, step: Step, ended: Ended) -> bool:
        """One step; whether the loop still runs, and with it who waits for its end."""
        fault: Exception | None = None
        try:
            step()
        except Exception as error:  # noqa: BLE001 - whatever it is, the loop must know
            fault = error
        try:
            self._loop.call_soon_threadsafe(ended, fault)
        except RuntimeError:  # it was closed
            return False
        return True
