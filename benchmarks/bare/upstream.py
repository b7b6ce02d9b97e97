"""A recording server that is not the limit: counts a body's bytes and answers 201, nothing more.

Only for our own clients: it believes every Content-Length and knows no other framing.
"""

import asyncio
import re
import sys
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BODY = b'{"recorded": true}'
_ANSWER = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    % (len(_BODY), _BODY)
)


class Recorder(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Count down the body; at its end, answer. Requests come one at a time."""
        if self._left == 0:
            data = self._head + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            self._head = b""
            length = _LENGTH.search(data, 0, end)
            self._left = int(length[1]) if length else 0
            self._left -= len(data) - end - 4
        else:
            self._left -= len(data)
        if self._left <= 0 and self._transport is not None:
            self._left = 0
            self._transport.write(_ANSWER)


async def _serve(port: int) -> None:
    listening = await asyncio.get_running_loop().create_server(
        Recorder, "127.0.0.1", port, backlog=8192
    )
    await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
