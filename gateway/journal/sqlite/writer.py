"""Group commit: one thread runs every call in order, and makes all that wait durable at once.

It gathers what is waiting into one transaction, commits it with one sync, and only then lets the
callers know, all with one wake-up of the event loop. So durable does not mean one sync each. Must
not know what a call does.

When a transaction fails, nothing of it happened; its calls are then run again, each in one of its
own, so that one call's fault is not the others'. After a failed sync nothing is believed any more:
every call that waits, and every later one, raises ``JournalBroken``.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from gateway.core.facts import JournalCommitted, Publish
from gateway.journal.contract import JournalBroken, JournalFault
from gateway.journal.sqlite.faults import fault_of

T = TypeVar("T")

MOST_CALLS: Final = 512
MOST_BYTES: Final = 32 * 1024 * 1024


class Book(Protocol):
    """What the thread needs of the store that it runs calls on."""

    def begin(self) -> None:
        """Start a transaction."""
        ...

    def commit(self) -> bool:
        """Make it durable; whether there was anything to make durable."""
        ...

    def rollback(self) -> None:
        """Undo it; harmless when there is none."""
        ...

    def tidy(self, *, idle: bool) -> None:
        """Upkeep between transactions."""
        ...

    def close(self) -> None:
        """Finish."""
        ...


@dataclass(slots=True)
class Call:
    """Something to run. ``size``: the bytes that it writes, about."""

    work: Callable[[Any], Any]
    size: int
    future: "asyncio.Future[Any]"
    result: Any = None
    fault: JournalFault | None = field(default=None)


class Writer:
    """The thread, and the queue in front of it."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._broken: JournalBroken | None = None
        self._thread: threading.Thread | None = None
        self._ended = self._loop.create_future()

    async def start(self, opening: Callable[[], Book]) -> None:
        """Open the store in the thread, which then runs calls on it.

        Raises:
            JournalFault: it cannot be opened.
        """
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(
            target=self._run, args=(opening, opened), name="journal", daemon=True
        )
        self._thread.start()
        await opened

    def call(self, work: Callable[[Any], T], *, size: int = 0) -> "asyncio.Future[T]":
        """Run ``work`` in its turn; done when what it changed, and what it saw, is durable."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._broken is not None:
            future.set_exception(self._broken)
        else:
            self._calls.put(Call(work, size, future))
        return future

    async def stop(self) -> None:
        """Finish what was called before, then close."""
        self._calls.put(None)
        await asyncio.shield(self._ended)

    # -- in the thread ---------------------------------------------------------------------------

    def _run(self, opening: Callable[[], Book], opened: "asyncio.Future[None]") -> None:
        try:
            book = opening()
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must know
            fault = fault_of(error)
            self._loop.call_soon_threadsafe(opened.set_exception, fault)
            return
        self._loop.call_soon_threadsafe(opened.set_result, None)
        while (batch := self._gather()) is not None:
            began = time.monotonic()
            changed = self._together(book, batch)
            committed = JournalCommitted(len(batch), time.monotonic() - began) if changed else None
            self._loop.call_soon_threadsafe(self._settle, batch, committed)
            book.tidy(idle=self._calls.empty())
        book.close()
        self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _gather(self) -> list[Call] | None:
        """All that waits, within bounds; None: it is time to stop."""
        first = self._calls.get()
        if first is None:
            return None
        batch, size = [first], first.size
        while len(batch) < MOST_CALLS and size < MOST_BYTES:
            try:
                more = self._calls.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._calls.put(None)
                break
            batch.append(more)
            size += more.size
        return batch

    def _together(self, book: Book, batch: list[Call]) -> bool:
        """Run a batch in one transaction; whether anything was changed."""
        if self._broken is not None:
            for call in batch:
                call.fault = self._broken
            return False
        try:
            book.begin()
            for call in batch:
                call.result = call.work(book)
            return book.commit()
        except Exception as error:  # noqa: BLE001 - the callers must know
            return self._one_by_one(book, batch, fault_of(error))

    def _one_by_one(self, book: Book, batch: list[Call], fault: JournalFault) -> bool:
        book.rollback()
        if isinstance(fault, JournalBroken):
            self._broken = fault
        elif len(batch) > 1:
            changed = [self._together(book, [call]) for call in batch]
            return any(changed)
        for call in batch:
            call.fault = fault
        return False

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
