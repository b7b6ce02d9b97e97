"""What is under way: a task for each enrollment in hand, and the fault that must end the loop.

Must not know what a task does.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator
from typing import Any


class Underway(Collection[str]):
    """The ids in hand, each with its task.

    Attributes:
        failed: the fault of one; nothing may go on after it.
    """

    def __init__(self, failed: Callable[[], None]) -> None:
        """``failed`` is called when one has a fault."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tell = failed
        self._loop: asyncio.AbstractEventLoop | None = None
        self.failed: BaseException | None = None

    def begin(self, enrollment_id: str, work: Coroutine[Any, Any, None]) -> None:
        """Take one in hand, until it says ``let_go`` itself: its last act, whatever came of it."""
        # To ask which loop runs is a call to the kernel each time.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        self._tasks[enrollment_id] = loop.create_task(work)

    def let_go(self, enrollment_id: str, fault: BaseException | None = None) -> None:
        """It is not in hand any more, though its task has not ended yet.

        ``fault``: what it raised; nothing may go on after it.
        """
        self._tasks.pop(enrollment_id, None)
        if fault is not None:
            self.failed = fault
            self._tell()

    async def finish(self, *, grace_seconds: float) -> None:
        """Wait so long for all of them, then cancel those that are left."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=grace_seconds)
        self.cancel()

    def cancel(self) -> None:
        """Break all of them off."""
        for task in self._tasks.values():
            task.cancel()

    def __contains__(self, enrollment_id: object) -> bool:
        """Whether it is in hand."""
        return enrollment_id in self._tasks

    def __iter__(self) -> Iterator[str]:
        """Their ids."""
        return iter(self._tasks)

    def __len__(self) -> int:
        """How many."""
        return len(self._tasks)
