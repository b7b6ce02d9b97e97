"""Group commit: one thread runs every call in order, and makes all that wait durable at once.

It gathers what is waiting into one transaction, commits it with one sync, and only then lets the
callers know, all with one wake-up of the event loop. So durable does not mean one sync each. Must
not know what a call does.

When a transaction fails, nothing of it happened; its calls are then run again, each in one of its
own, so that one call's fault is not the others'. A full disk is given one more try, after the store
has made room. After a failed sync nothing is believed any more:
every call that waits, and every later one, raises ``JournalBroken``.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from gateway.core.facts import JournalCommitted, Publish
from gateway.journal.contract import JournalBroken, JournalFault, JournalFull
from gateway.journal.sqlite.faults import fault_of

T = TypeVar("T")

MOST_CALLS: Final = 512
MOST_BYTES: Final = 32 * 1024 * 1024


class Book(Protocol):
    """What the thread needs of the store that it runs calls on."""

    def begin(self) -> None:
        """Start a transaction."""
        ...

    def written(self) -> int:
        """A number that grows with every row that is written."""
        ...

    def commit(self) -> None:
        """Make it durable."""
        ...

    def rollback(self) -> None:
        """Undo it; harmless when there is none."""
        ...

    def make_room(self) -> bool:
        """A write found the disk full: give up what was put by. False: there is nothing more."""
        ...

    def tidy(self, *, idle: bool) -> None:
        """Upkeep between transactions."""
        ...

    def close(self, *, trusted: bool) -> None:
        """Finish. Not ``trusted``: write nothing more."""
        ...


@dataclass(slots=True)
class Call:
    """Something to run. ``size``: the bytes that it writes, about."""

    work: Callable[[Any], Any]
    size: int
    future: "asyncio.Future[Any]"
    result: Any = None
    fault: JournalFault | None = None
    changed: bool = False

    def run(self, book: Book) -> None:
        """Do the work. A fault of its own is a refusal: it was raised before it wrote anything."""
        before = book.written()
        self.fault = None
        try:
            self.result = self.work(book)
        except JournalFault as refusal:
            self.fault = refusal
        self.changed = book.written() != before

    def failed(self, fault: JournalFault) -> None:
        """Nothing of it was kept."""
        self.fault, self.changed = fault, False


class Writer:
    """The thread, and the queue in front of it."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._fresh: list[Call] = []  # made in this turn of the event loop
        self._handed: queue.SimpleQueue[list[Call] | None] = queue.SimpleQueue()
        self._waiting: deque[Call] = deque()  # the thread's
        self._loop = asyncio.get_running_loop()
        self._broken: JournalBroken | None = None
        self._told_broken: asyncio.Future[JournalBroken] = self._loop.create_future()
        self._ended = self._loop.create_future()

    async def start(self, opening: Callable[[], Book]) -> None:
        """Open the store in the thread, which then runs calls on it.

        Raises:
            JournalFault: it cannot be opened.
        """
        opened: asyncio.Future[None] = self._loop.create_future()
        threading.Thread(
            target=self._run, args=(opening, opened), name="journal", daemon=True
        ).start()
        try:
            await asyncio.shield(opened)
        except asyncio.CancelledError:
            self._handed.put(None)  # close it again as soon as it is open
            raise

    def call(self, work: Callable[[Any], T], *, size: int = 0) -> "asyncio.Future[T]":
        """Run ``work`` in its turn; done when what it changed, and what it saw, is durable.

        What is called in one turn of the event loop is handed over together: a wake-up of the
        thread is a fight for the interpreter, and one that finds a single call a small commit.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        if not self._fresh:
            self._loop.call_soon(self._hand_over)
        self._fresh.append(Call(work, size, future))
        return future

    async def broken(self) -> JournalBroken:
        """Wait until nothing can be believed any more, though nobody calls."""
        return await asyncio.shield(self._told_broken)

    async def stop(self) -> None:
        """Finish what was called before, then close."""
        self._hand_over()
        self._handed.put(None)
        await asyncio.shield(self._ended)

    def _hand_over(self) -> None:
        if self._fresh:
            self._handed.put(self._fresh)
            self._fresh = []

    # -- in the thread ---------------------------------------------------------------------------

    def _run(self, opening: Callable[[], Book], opened: "asyncio.Future[None]") -> None:
        try:
            book = opening()
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must know
            self._tell(opened.set_exception, fault_of(error))
            return
        self._tell(opened.set_result, None)
        while not self._loop.is_closed() and (batch := self._gather()) is not None:
            began = time.monotonic()
            self._together(book, batch)
            records = sum(call.changed for call in batch)
            committed = JournalCommitted(records, time.monotonic() - began) if records else None
            self._tell(self._settle, batch, committed)
            self._upkeep(partial(book.tidy, idle=not self._waiting and self._handed.empty()))
        self._upkeep(partial(book.close, trusted=self._broken is None))
        self._tell(self._ended.set_result, None)

    def _gather(self) -> list[Call] | None:
        """All that waits, within bounds; None: it is time to stop."""
        waiting = self._waiting
        if not waiting:
            first = self._handed.get()
            if first is None:
                return None
            waiting.extend(first)
        with contextlib.suppress(queue.Empty):
            while (more := self._handed.get_nowait()) is not None:
                waiting.extend(more)
            self._handed.put(None)  # to be found again when nothing waits any more
        batch: list[Call] = []
        size = 0
        while waiting and len(batch) < MOST_CALLS and size < MOST_BYTES:
            batch.append(waiting.popleft())
            size += batch[-1].size
        return batch

    def _together(self, book: Book, batch: list[Call], *, last_try: bool = False) -> None:
        """Run a batch in one transaction, and each call alone if that fails."""
        if self._broken is not None:
            for call in batch:
                call.failed(self._broken)
            return
        try:
            book.begin()
            for call in batch:
                call.run(book)
            book.commit()
        except Exception as error:  # noqa: BLE001 - the callers must know
            fault = self._undo(book, fault_of(error))
            for call in batch:
                call.failed(fault)
            if isinstance(fault, JournalBroken):
                return
            if isinstance(fault, JournalFull) and not last_try and book.make_room():
                self._together(book, batch, last_try=True)
            elif len(batch) > 1:
                for call in batch:
                    self._together(book, [call], last_try=last_try)

    def _undo(self, book: Book, fault: JournalFault) -> JournalFault:
        """Roll back; what must be told to the callers."""
        try:
            book.rollback()
        except Exception as error:  # noqa: BLE001 - whatever it is, the state is unknown now
            fault = JournalBroken(f"a change could not be undone: {fault_of(error)}")
        if isinstance(fault, JournalBroken):
            self._break(fault)
        return fault

    def _upkeep(self, step: Callable[[], None]) -> None:
        """It serves no caller, so its fault is nobody's; a failed sync counts all the same."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the thread must live, and callers be answered
            fault = fault_of(error)
            if isinstance(fault, JournalBroken):
                self._break(fault)

    def _break(self, fault: JournalBroken) -> None:
        if self._broken is None:
            self._broken = fault
            self._tell(self._told_broken.set_result, fault)

    def _tell(self, callback: Callable[..., object], *values: object) -> None:
        # A loop that was closed before the journal has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *values)

    # -- back on the event loop ------------------------------------------------------------------

    def _settle(self, batch: list[Call], committed: JournalCommitted | None) -> None:
        for call in batch:
            if call.future.done():
                continue  # its caller was cancelled; what it asked for is done all the same
            if call.fault is not None:
                call.future.set_exception(call.fault)
            else:
                call.future.set_result(call.result)
        if committed is not None:
            self._publish(committed)
