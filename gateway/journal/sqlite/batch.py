"""Calls that share a transaction, and what is needed of the store that they are run on.

Must not know when they are run, or in which thread their commit is.
"""

import time
from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

from gateway.core.record import dataclass
from gateway.journal.contract import JournalFault

if TYPE_CHECKING:
    import asyncio


class Book(Protocol):
    """The store. Used by one thread at a time."""

    def begin(self) -> None:
        """Start a transaction."""
        ...

    @property
    def written(self) -> Callable[[], int]:
        """Says a number that grows with every row that is written."""
        ...

    @property
    def is_laden(self) -> bool:
        """Whether the disk has so much to read for the transaction that it should read no more."""
        ...

    def prepare(self) -> bool:
        """All calls of the transaction have run. Whether its commit waits for the disk."""
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

    def needs_upkeep(self) -> bool:
        """Whether something is to be tidied now, between transactions."""
        ...

    def tidy(self) -> None:
        """Do it."""
        ...

    def close(self, *, trusted: bool) -> None:
        """Finish. Not ``trusted``: write nothing more."""
        ...


@dataclass(slots=True)
class Call:
    """Something to run.

    Attributes:
        work: what.
        size: the bytes that it writes, about.
        hurried: somebody waits for it; else it may wait a moment for others.
        reads: it may have the disk read a body.
        future: of who made it.
        result: what came of it.
        fault: why it was refused.
    """

    work: Callable[[Any], Any]
    size: int
    hurried: bool
    reads: bool
    future: "asyncio.Future[Any]"
    result: Any = None
    fault: JournalFault | None = None


@dataclass(slots=True)
class Batch:
    """Calls of one transaction.

    Attributes:
        calls: in the order in which they were made.
        last_try: room was made for them already.
        left: those that were to read when there was enough to read already; they are its no more.
        records: how many have written something.
    """

    calls: list[Call]
    last_try: bool = False
    left: list[Call] = field(default_factory=list)
    records: int = 0
    _began: float = field(default=0.0, init=False)

    def run(self, book: Book) -> bool:
        """Run all that find a place; whether the commit, which is to follow, waits for the disk."""
        self._began = time.monotonic()
        self.records, self.left = 0, []
        ran = []
        book.begin()
        count = book.written
        written = count()
        for call in self.calls:
            if call.reads and book.is_laden:
                self.left.append(call)
                continue
            ran.append(call)
            call.fault = None
            try:
                call.result = call.work(book)
            except JournalFault as refusal:  # it was raised before it wrote anything
                call.fault = refusal
            before, written = written, count()
            self.records += before != written
        is_for_disk = book.prepare()
        self.calls = ran
        return is_for_disk

    def settle(self) -> float:
        """It is durable: tell who waits. How many seconds it took."""
        for call in self.calls:
            if call.future.done():
                continue  # its caller was cancelled; what it asked for is done all the same
            if call.fault is not None:
                call.future.set_exception(call.fault)
            else:
                call.future.set_result(call.result)
        return time.monotonic() - self._began

    def refuse(self, fault: JournalFault) -> None:
        """Nothing of it was kept: tell who waits."""
        for call in self.calls:
            if not call.future.done():
                call.future.set_exception(fault)

    def alone(self) -> list["Batch"]:
        """Each call in a transaction of its own."""
        return [Batch([call], last_try=self.last_try) for call in self.calls]
