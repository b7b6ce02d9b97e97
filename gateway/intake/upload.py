"""A large body on its way from the socket to its packet, past aiohttp's parser.

Through the parser each byte is copied twice more, and waits in a stream until its handler wakes.
While an upload lasts it stands in the connection's place at the transport; whatever else happens
to the connection goes on to it. It takes the body's bytes and not one more, and sees that they
come.

Must not know what a body is for.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.intake.packet import Packet

LEAST_PROGRESS: Final = 2048
"""In each idle span at least this much of a body must arrive: a line of 1 kbit/s still passes (its
packets of 1,460 bytes come 12 seconds apart), one byte now and then does not."""

PART: Final = 128 * 1024
"""Bytes that are gathered before they are digested and sealed: a slow line brings a few hundred at
once. They are still in the processor's cache then, and none takes the event loop for long."""


class Upload(asyncio.BufferedProtocol):
    """The bytes that are still to come of one body.

    Attributes:
        done: set when they have come; ``ConnectionResetError`` when the station has gone,
            ``TimeoutError`` when they came too slowly.
    """

    def __init__(
        self,
        connection: asyncio.Protocol,
        packet: Packet,
        *,
        idle_seconds: float,
        completed: Callable[[], None],
    ) -> None:
        """Wait for them from now on.

        Args:
            connection: whose place it takes.
            packet: what has come already; at least one byte is lacking.
            idle_seconds: see ``LEAST_PROGRESS``.
            completed: called at once when all have come.
        """
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._connection = connection
        self._packet = packet
        self._room = packet.room()
        self._came = self._taken = 0
        self._completed = completed
        self._enough = LEAST_PROGRESS
        self._idle_seconds = idle_seconds
        self._moved_at = self._loop.time()
        self._timer = self._loop.call_later(idle_seconds, self._look)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Room for the next bytes, never for more than the body has."""
        del sizehint
        came = self._came
        return self._room[came : came + PART]

    def buffer_updated(self, nbytes: int) -> None:
        """They have come."""
        if self.done.done():
            return  # its deadline has just passed: whoever waited will take the connection back
        self._came = came = self._came + nbytes
        is_whole = came == len(self._room)
        if is_whole or came - self._taken >= PART:
            self._packet.add(self._room[self._taken : came], in_place=True)
            self._taken = came
        if is_whole:
            self.end()
            self._completed()
            self.done.set_result(None)
        elif came >= self._enough:
            self._enough = came + LEAST_PROGRESS
            self._moved_at = self._loop.time()

    def end(self) -> None:
        """Watch no more."""
        self._timer.cancel()

    def eof_received(self) -> bool | None:
        """The station will send no more, though it should."""
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The rest will never come."""
        if not self.done.done():
            self.done.set_exception(ConnectionResetError("the station went away"))
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """See ``StationConnection``."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """See ``StationConnection``."""
        self._connection.resume_writing()

    def _look(self) -> None:
        # A timer that looks once in a span costs less than one that each part puts off.
        due = self._moved_at + self._idle_seconds
        if self._loop.time() < due:
            self._timer = self._loop.call_at(due, self._look)
        elif not self.done.done():
            self.done.set_exception(TimeoutError("the body stopped coming"))
