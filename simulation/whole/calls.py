"""Work inside a gateway's process for someone outside, who learns when the process dies of it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from simulation.whole.loop import Household

T = TypeVar("T")


class Gone(Exception):
    """Nobody listens, or the connection broke: the process is not there any more."""


class Calls:
    """What is under way in one process.

    Args:
        household: the process's own tasks.
        complain: told of a call that failed.
    """

    def __init__(self, household: Household, complain: Callable[[str], None]) -> None:
        self._household = household
        self._complain = complain
        self._open = True
        self._alive = True
        self._calls: dict[asyncio.Task[object], None] = {}

    def close(self) -> None:
        """Nobody listens any more; what is under way goes on."""
        self._open = False

    def die(self) -> None:
        """Nothing gets an answer from here on."""
        self._open = self._alive = False

    async def done(self, *, within: float) -> None:
        """Wait for what is under way, ``within`` seconds."""
        if self._calls:
            await asyncio.wait(list(self._calls), timeout=within)

    async def asked(self, work: Coroutine[object, object, T]) -> T:
        """Do something inside the process, for someone outside.

        Raises:
            Gone: the process was gone before the end.
        """
        if not self._open:
            work.close()
            raise Gone
        end: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        task = self._household.spawn(work)
        self._calls[task] = None

        def ended(task: asyncio.Task[T]) -> None:
            del self._calls[task]
            if end.done():
                return
            if task.cancelled() or not self._alive:
                end.set_exception(Gone())
            elif (error := task.exception()) is not None:
                self._complain(f"a request failed with {error!r}")
                end.set_exception(Gone())
            else:
                end.set_result(task.result())

        task.add_done_callback(ended)
        return await end
