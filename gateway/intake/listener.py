"""The public listener: opens the door, and closes it without shutting anyone's fingers in it.

Must not know what goes through.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from gateway.intake.app import Intake

if TYPE_CHECKING:
    from gateway.intake.server import StationServer

BACKLOG = 1024
# Of the time that is given for the end, held stations may use this part to get their answers.
_PATIENCE = 0.8


class Listener:
    """Listens for one intake."""

    def __init__(self, intake: Intake, *, tls: ssl.SSLContext | None = None) -> None:
        self._intake = intake
        self._tls = tls
        self._server: StationServer | None = None
        self._sockets: list[asyncio.Server] = []

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address in use, which tells the port where 0 was asked for.

        Raises:
            OSError: the address cannot be had.
        """
        self._server = self._intake.server()
        made = await asyncio.get_running_loop().create_server(
            self._server, host, port, backlog=BACKLOG, **self._secured(self._tls)
        )
        self._sockets = [made]
        address = made.sockets[0].getsockname()
        return address[0], address[1]

    async def renew(self, tls: ssl.SSLContext) -> None:
        """Connections from now on speak TLS with this context; those that stand go on.

        The same sockets are listened to anew, so that nothing of the old context is left: a
        context that is changed in place keeps its authorities and its sessions.
        """
        loop = asyncio.get_running_loop()
        before = self._sockets
        if self._server is not None:
            self._sockets = [
                await loop.create_server(
                    self._server, sock=each.dup(), backlog=BACKLOG, **self._secured(tls)
                )
                for server in before
                for each in server.sockets
            ]
        for server in before:
            server.close()

    def _secured(self, tls: ssl.SSLContext | None) -> dict[str, Any]:
        """A handshake that does not end is a head that does not end."""
        if tls is None:
            return {}
        return {"ssl": tls, "ssl_handshake_timeout": self._intake.handshake_seconds}

    def stop_accepting(self) -> None:
        """Take no new connection, and end those that are idle. Requests in hand go on."""
        for sockets in self._sockets:
            sockets.close()
        if self._server is not None:
            for station in self._server.stations:
                if station.idle:
                    station.force_close()

    async def drain(self, grace: float) -> None:
        """Let what is in hand come to its end within ``grace`` seconds, then close what is left.

        Stations still held near the end get their receipts. An upload that is not complete by
        then was not promised anything, and is cut.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        finishing = asyncio.ensure_future(self._intake.finish())
        await asyncio.wait({finishing}, timeout=grace * _PATIENCE)
        self._intake.release()
        await asyncio.wait({finishing}, timeout=max(deadline - loop.time(), 0.0))
        finishing.cancel()
        if self._server is not None:
            # Lets answers that are being written be written; each phase takes this at most.
            await self._server.shutdown(max(deadline - loop.time(), 0.1))
