"""Moves the recording server by the real clock: writes its ledger, wakes its callers.

Must not know HTTP, nor why anything happens. What happened is in the ledger before a caller hears
of it. A ledger that cannot be written ends the run: what is not in it did not happen.
"""

import asyncio
import time

from loadtests.logs import LedgerEvent, LogWriter
from loadtests.server.exchange import Reply, Request
from loadtests.server.recording import RecordingServer

TIMER_SLACK = 0.0005  # uvloop rounds to milliseconds: a timer that fires early would spin


class Clock:
    """Wall-clock seconds as they were at the start, walked on by the monotonic clock."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Tell the time; it never steps back, as the ledger must not."""
        return self._offset + time.monotonic()


class Driver:
    """One recording server in real time."""

    def __init__(self, server: RecordingServer, clock: Clock, ledger: LogWriter | None) -> None:
        """Begin the ledger (None: there is none). Needs a running event loop."""
        self.server = server
        self.moved = asyncio.Event()
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._clock = clock
        self._ledger = ledger
        self._callers: dict[int, asyncio.Future[Reply]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._write(server.describe())
        self.move()

    def now(self) -> float:
        """Tell the time that the model lives in."""
        return self._clock.now()

    async def record(self, request: Request) -> Reply:
        """Hand a request to the server and wait for its reply, however long that takes."""
        return await self._reply_to(self.server.arrive(request, now=self.now()))

    async def read(self) -> Reply:
        """Ask the server something that records nothing."""
        return await self._reply_to(self.server.read(now=self.now()))

    async def sample_every_second(self) -> None:
        """Write the totals once per second, for ever."""
        while True:
            await asyncio.sleep(1)
            # What the sample itself brought to its end comes before it in the ledger.
            sample = self.server.sample(now=self.now())
            self.move()
            self._write(sample)

    def move(self) -> None:
        """Bring the server to the present, tell what happened, and set the timer for the next."""
        for happening in self.server.advance(self.now()):
            if isinstance(happening, Reply):
                caller = self._callers.pop(happening.ticket, None)
                if caller is not None and not caller.done():
                    caller.set_result(happening)
            else:
                self._write(happening)
                self.moved.set()
        self._set_timer()

    async def _reply_to(self, ticket: int) -> Reply:
        caller: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._callers[ticket] = caller
        self.move()
        try:
            return await caller
        except asyncio.CancelledError:
            self._callers.pop(ticket, None)
            self.server.leave(ticket)
            raise

    def _set_timer(self) -> None:
        at = self.server.next_event()
        if at == self._timer_at and at is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at, self._timer = at, None
        if at is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, at - self.now()) + TIMER_SLACK, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = self._timer_at = None
        self.move()

    def _write(self, record: LedgerEvent) -> None:
        if self._ledger is None or self.broken.done():
            return
        try:
            self._ledger.write(record)
        except OSError as error:
            self.broken.set_exception(error)
            raise
