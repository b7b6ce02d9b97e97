"""A large body on its way from the socket to its packet, past aiohttp's parser.

Through the parser each byte is copied twice more, and waits in a stream until its handler wakes.
While an upload lasts it stands in the connection's place at the transport; whatever else happens
to the connection goes on to it. It takes the body's bytes and not one more.

Must not know what a body is for.
"""

import asyncio
from collections.abc import Callable

from gateway.intake.packet import Packet


class Upload(asyncio.BufferedProtocol):
    """The bytes that are still to come of one body.

    Attributes:
        done: set when they have come, or the station has gone (``ConnectionResetError``).
    """

    def __init__(
        self,
        connection: asyncio.Protocol,
        packet: Packet,
        left: int,
        *,
        progress: Callable[[], None],
        completed: Callable[[], None],
    ) -> None:
        """Set it up.

        Args:
            connection: whose place it takes.
            packet: where the bytes go.
            left: how many, at least 1.
            progress: called when some have come.
            completed: called at once when all have.
        """
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._packet = packet
        self._left = left
        self._progress = progress
        self._completed = completed

    def get_buffer(self, sizehint: int) -> memoryview:
        """Room for the next bytes, never for more than the body has."""
        del sizehint
        return self._packet.room(self._left)

    def buffer_updated(self, nbytes: int) -> None:
        """They have come."""
        if self.done.done():
            return  # its deadline has just passed: whoever waited will take the connection back
        self._packet.took(nbytes)
        self._left -= nbytes
        self._progress()
        if self._left == 0:
            self._completed()
            self.done.set_result(None)

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
