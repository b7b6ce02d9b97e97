"""The virtual loop, with a word at each turn and before each jump of time.

Must not know what runs on it.
"""

import asyncio
import contextvars
import math
from collections.abc import Callable, Coroutine
from typing import Any

from simulation.virtual_time import VirtualLoop


class Household:
    """The tasks of one process: whatever it starts, and whatever these start, belongs to it."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in the order started: runs repeat
        self._killed = False

    def add(self, task: asyncio.Task[Any]) -> None:
        """One more. Who dies in the middle of a step starts nothing in the rest of it."""
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        if self._killed:
            task.cancel()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task of this process, from outside of it."""
        context = contextvars.copy_context()
        context.run(_HOUSEHOLD.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def kill(self) -> None:
        """End them all. None of them gets on: not even one that could run this moment."""
        self._killed = True
        for task in tuple(self._tasks):
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        del self._tasks[task]
        if self._killed and not task.cancelled():
            task.exception()  # what the dead find nobody hears: their journal is closed


_HOUSEHOLD: contextvars.ContextVar[Household | None] = contextvars.ContextVar(
    "household", default=None
)


def _start(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any],
    context: contextvars.Context | None = None,
) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, context=context)
    household = _HOUSEHOLD.get() if context is None else context.get(_HOUSEHOLD)
    if household is not None:
        household.add(task)
    return task


class EndlessError(RuntimeError):
    """It goes on and on. What runs on the loop may be what does not end, so it is not asked."""


class SteppingLoop(VirtualLoop):
    """Counts its turns, and says when it is about to let time pass.

    After ``most`` turns it ends with ``EndlessError``.
    """

    def __init__(self, *, most: float = math.inf) -> None:
        super().__init__()
        self._most = most
        self.set_task_factory(_start)  # type: ignore[arg-type]  # typeshed wants a generic protocol
        self.turns = 0
        self.on_turn: Callable[[], None] = _nothing
        self.on_idle: Callable[[], None] = _nothing

    def _run_once(self) -> None:
        self.turns += 1
        if self.turns > self._most:
            self._most = math.inf  # what is left to do is to clean up
            raise EndlessError
        self.on_turn()
        if not self._ready:  # type: ignore[attr-defined]  # what the turn is about to run
            self.on_idle()
        super()._run_once()  # type: ignore[misc]  # the loop's own turn


def _nothing() -> None:
    """Nobody asked."""
