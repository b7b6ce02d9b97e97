"""A server of raw bytes on loopback: it reads a request and does whatever the test wants."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

Behave: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """``url`` to send to; ``requests`` holds the head and body of each request seen."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self.requests: list[bytes] = []
        self.url = ""
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections[writer] = asyncio.current_task()
        await self._connected(reader, writer)

    async def close(self) -> None:
        """Drop every connection."""
        for writer, task in self._connections.items():
            writer.transport.abort()
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, self._connections.values()), return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                self.requests.append(head + await reader.readexactly(length))
                await self._behave(reader, writer)
        writer.close()


@contextlib.asynccontextmanager
async def raw_server(
    behave: Behave, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[RawServer]:
    """Run one; on a free port, unless one is given."""
    server = RawServer(behave)
    listening = await asyncio.start_server(server._accept, host, port)
    server.url = f"http://{host}:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        await server.close()


def answering(*parts: bytes) -> Behave:
    """Write the parts, one after the other, and keep the connection."""

    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)

    return behave


def then_close(*parts: bytes) -> Behave:
    """Write the parts and end the connection in order."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(*parts)(reader, writer)
        writer.close()

    return behave


def then_reset(*parts: bytes) -> Behave:
    """Write the parts and break the connection (RST)."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(*parts)(reader, writer)
        await asyncio.sleep(0.05)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    return behave


async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept the request and say nothing."""
    await asyncio.sleep(3600)
