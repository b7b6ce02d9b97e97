"""Opens and closes the simulated server's doors: listening sockets, signals, the end.

Must not know what is recorded or answered.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine

from aiohttp import web
from aiohttp.web_request import BaseRequest

from loadtests.logs import LogWriter
from loadtests.server.control import Control
from loadtests.server.driver import Clock, Driver
from loadtests.server.http import Front
from loadtests.server.model import Mode
from loadtests.server.recording import RecordingServer

Address = tuple[str, int]
Handler = Callable[[BaseRequest], Coroutine[None, None, web.StreamResponse]]


class Door:
    """One listening socket that can be closed and opened again on the same port."""

    def __init__(self, handler: Handler, address: Address) -> None:
        self._protocol = web.Server(
            handler, handler_cancellation=True, access_log=None, auto_decompress=False
        )
        self._address = address
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    async def open(self) -> None:
        """Listen; the port stays the same from the first time on."""
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=4096)
        self._address = (host, listening.getsockname()[1])
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._protocol, sock=listening)

    def close(self, keep: frozenset[asyncio.BaseTransport] = frozenset()) -> None:
        """Stop listening, and cut every connection but those to keep."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in self._protocol.connections:
            if connection.transport is not None and connection.transport not in keep:
                connection.transport.abort()


async def serve(
    make_server: Callable[[float], RecordingServer],
    *,
    listen: Address,
    control_listen: Address,
    ledger: LogWriter | None,
    lookup: bool,
    announce: Callable[[str, str], None],
) -> None:
    """Run until SIGTERM or SIGINT.

    Args:
        make_server: makes the server as of now.
        listen: the public listener; port 0 takes a free one.
        control_listen: another listener for control alone: it stays when the server refuses.
        ledger: where effects go; None: nowhere.
        lookup: whether the server can tell what it recorded for a key.
        announce: called with both URLs once it listens.

    Raises:
        OSError: an address cannot be listened on, or the ledger cannot be written.
    """
    clock = Clock()
    driver = Driver(make_server(clock.now()), clock, ledger)
    control = Control(driver)
    front = Front(driver, control, lookup=lookup)
    door, side_door = Door(front.answer, listen), Door(control.answer, control_listen)
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    await door.open()
    await side_door.open()
    announce(door.url, side_door.url)
    parts = [
        asyncio.ensure_future(part)
        for part in (
            stopped.wait(),
            driver.broken,
            driver.sample_every_second(),
            _mind(door, driver, front),
        )
    ]
    try:
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()
    finally:
        for part in parts:
            part.cancel()
        door.close()
        side_door.close()
        await asyncio.gather(*parts, return_exceptions=True)


async def _mind(door: Door, driver: Driver, front: Front) -> None:
    """Close the door while the server refuses, and open it again."""
    while True:
        refuses = driver.server.mode is Mode.REFUSE
        if refuses and door.is_open:
            door.close(keep=frozenset(front.busy))
        elif not refuses and not door.is_open:
            await door.open()
        await driver.moved.wait()
        driver.moved.clear()
