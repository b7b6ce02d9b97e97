"""Group commit: what is called in one turn of the event loop becomes durable by one sync.

All calls that wait are run in one transaction, here on the loop: that takes microseconds each, and
a thread would fight for the interpreter at each of its statements. Only what waits for the disk
goes to a thread: bodies that are written or read, the commit with its sync, upkeep. What is called
meanwhile is the next transaction. So durable does not mean one sync each. What nobody waits for
does not begin one, but for a moment waits for others that do. Must not know what a call does.

When a transaction fails, nothing of it happened; its calls are then run again, each in one of its
own, so that one call's fault is not the others'. A full disk is given one more try, after the store
has made room. After a failed sync nothing is believed any more: every call that waits, and every
later one, raises ``JournalBroken``.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from gateway.core.facts import JournalCommitted, Publish
from gateway.journal.contract import JournalBroken, JournalFault, JournalFull
from gateway.journal.sqlite.batch import Batch, Book, Call
from gateway.journal.sqlite.disk import Disk
from gateway.journal.sqlite.faults import fault_of

T = TypeVar("T")

MOST_CALLS: Final = 512
MOST_BYTES: Final = 32 * 1024 * 1024
PATIENCE_SECONDS: Final = 0.001
"""How long a call that nobody waits for waits for others."""


class Writer:
    """The calls that wait, and the transaction that is at the disk."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Call] = deque()
        self._hurried = 0  # of those that wait
        self._again: deque[Batch] = deque()  # of a transaction that failed
        self._book: Book | None = None
        self._disk = Disk(orphaned=self._close)
        self._busy = True  # the book is in use, or a turn is planned
        self._later: asyncio.TimerHandle | None = None
        self._stopping = False
        self._broken: JournalBroken | None = None
        self._told_broken: asyncio.Future[JournalBroken] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()

    async def start(self, opening: Callable[[], Book]) -> None:
        """Open the store, in the thread; calls are run from then on.

        Raises:
            JournalFault: it cannot be opened.
        """
        opened: asyncio.Future[None] = self._loop.create_future()

        def open_it() -> None:
            self._book = opening()

        def is_open(error: Exception | None) -> None:
            if error is not None:
                self._disk.stop()
                opened.set_exception(fault_of(error))
            else:
                opened.set_result(None)
                self._go_on(tidied=True)

        self._disk.run(open_it, is_open)
        try:
            await asyncio.shield(opened)
        except asyncio.CancelledError:
            self._stopping = True  # close it again as soon as it is open
            opened.add_done_callback(lambda done: done.exception())  # nobody else will look
            raise

    def call(
        self,
        work: Callable[[Any], T],
        *,
        size: int = 0,
        hurried: bool = True,
        reads: bool = False,
    ) -> "asyncio.Future[T]":
        """Run ``work`` in its turn; done when what it changed, and what it saw, is durable.

        For the rest see ``Call``.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(Call(work, size, hurried, reads, future))
        self._hurried += hurried
        if not self._busy:
            self._plan_if_called()
        return future

    async def broken(self) -> JournalBroken:
        """Wait until nothing can be believed any more, though nobody calls."""
        return await asyncio.shield(self._told_broken)

    async def stop(self) -> None:
        """Finish what was called before, then close."""
        self._stopping = True
        if not self._busy:
            self._plan()
        await asyncio.shield(self._ended)

    # -- turns -----------------------------------------------------------------------------------

    def _go_on(self, *, tidied: bool = False) -> None:
        """The book is free: tidy it, take the next turn, or wait for a call."""
        if not tidied and self._needs_upkeep():
            self._tidy()
        elif self._again or self._stopping:
            self._plan()
        else:
            self._busy = False
            self._plan_if_called()

    def _plan_if_called(self) -> None:
        if self._hurried:
            self._plan()
        elif self._waiting and self._later is None:
            self._later = self._loop.call_later(PATIENCE_SECONDS, self._no_others_came)

    def _no_others_came(self) -> None:
        self._later = None
        if self._waiting and not self._busy:
            self._plan()

    def _plan(self) -> None:
        """Take a turn when all that can be called in this one of the loop has been."""
        self._busy = True
        self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        if self._again:
            self._together(self._again.popleft())
        elif self._waiting:
            self._together(Batch(self._gathered()))
        else:
            self._disk.run(self._close, self._closed)

    def _gathered(self) -> list[Call]:
        """All that waits, within bounds."""
        waiting, calls, size = self._waiting, list[Call](), 0
        while waiting and len(calls) < MOST_CALLS and size < MOST_BYTES:
            call = waiting.popleft()
            calls.append(call)
            size += call.size
            self._hurried -= call.hurried
        return calls

    def _put_back(self, calls: list[Call]) -> None:
        """They are the first of the next transaction."""
        self._waiting.extendleft(reversed(calls))
        self._hurried += sum(call.hurried for call in calls)

    def _together(self, batch: Batch) -> None:
        """Run a batch in one transaction."""
        book = self._book
        if self._broken is not None or book is None:
            batch.refuse(self._broken or JournalFault("the journal is not open"))
            self._go_on(tidied=True)
            return
        try:
            is_for_disk = batch.run(book)
            self._put_back(batch.left)
            if is_for_disk:
                self._disk.run(book.commit, partial(self._committed, batch))
                return
            book.commit()
        except Exception as error:  # noqa: BLE001 - the callers must know
            self._failed(batch, error)
        else:
            self._committed(batch, None)

    def _committed(self, batch: Batch, error: Exception | None) -> None:
        if error is not None:
            self._failed(batch, error)
            return
        if batch.left:
            self._go_on()  # the disk reads the next while those are sent on that it has read
        seconds = batch.settle()
        if batch.records:
            self._publish(JournalCommitted(batch.records, seconds))
        if not batch.left:
            self._go_on()  # whoever was told just now can still join the next

    # -- upkeep ----------------------------------------------------------------------------------

    def _needs_upkeep(self) -> bool:
        book = self._book
        return self._broken is None and book is not None and book.needs_upkeep()

    def _tidy(self) -> None:
        if self._book is not None:
            self._busy = True
            self._disk.run(self._book.tidy, self._tidied)

    def _tidied(self, error: Exception | None) -> None:
        """It serves no caller, so its fault is nobody's; a failed sync counts all the same."""
        if error is not None:
            self._break_if(fault_of(error))
        self._go_on(tidied=True)

    # -- faults ----------------------------------------------------------------------------------

    def _failed(self, batch: Batch, error: Exception) -> None:
        """Nothing of it was kept: run it again, with more room or call by call."""
        fault = fault_of(error)
        book = self._book
        try:
            if book is not None:
                book.rollback()
        except Exception as second:  # noqa: BLE001 - whatever it is, the state is unknown now
            fault = JournalBroken(f"a change could not be undone: {fault_of(second)}")
        self._break_if(fault)
        if isinstance(fault, JournalFull) and not batch.last_try and book is not None:

            def make_room() -> None:
                batch.last_try = book.make_room()

            self._disk.run(make_room, partial(self._room_made, batch, fault))
        else:
            self._part(batch, fault)

    def _room_made(self, batch: Batch, fault: JournalFault, error: Exception | None) -> None:
        if error is None and batch.last_try:
            self._again.appendleft(batch)
            self._go_on(tidied=True)
        else:
            self._part(batch, fault)

    def _part(self, batch: Batch, fault: JournalFault) -> None:
        """Run each call in a transaction of its own; one that was alone is refused."""
        if len(batch.calls) > 1 and self._broken is None:
            self._again.extendleft(reversed(batch.alone()))
        else:
            batch.refuse(fault)
        self._go_on()

    def _break_if(self, fault: JournalFault) -> None:
        if isinstance(fault, JournalBroken) and self._broken is None:
            self._broken = fault
            self._told_broken.set_result(fault)

    # -- the end ---------------------------------------------------------------------------------

    def _close(self) -> None:
        if self._book is not None:
            self._book.close(trusted=self._broken is None)

    def _closed(self, error: Exception | None) -> None:
        """Its fault is nobody's: what was promised is durable. A failed sync counts."""
        if error is not None:
            self._break_if(fault_of(error))
        self._book = None
        self._disk.stop()
        self._ended.set_result(None)
