"""One request as aiohttp's parser found it: what of it is read here, and nothing more.

aiohttp's own object for it, and its writer, are made only for an answer that is sent on as it
comes. Must not know what becomes of the request.
"""

from typing import TYPE_CHECKING, cast

from aiohttp import web
from aiohttp.helpers import set_exception
from aiohttp.http import StreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

if TYPE_CHECKING:
    import asyncio


class Request:
    """A request in hand.

    Attributes:
        method: as received.
        version: of HTTP, as received, until its head was read; then one that can be answered in.
        target: as received; empty where there is none (``CONNECT``, which nobody serves).
        headers: as received.
        body: what has come of it, and what will.
        stays: whether the connection stays after the answer, if it is for the station to say.
    """

    __slots__ = (
        *("_message", "_streamed", "body", "headers", "method", "stays", "target", "version"),
    )

    def __init__(self, message: RawRequestMessage, body: StreamReader) -> None:
        """``message``: its head."""
        self.method = message.method
        self.version = message.version
        self.target = message.path or ""
        self.headers = message.headers
        self.body = body
        self.stays = not message.should_close
        self._message = message
        self._streamed: web.BaseRequest | None = None

    @property
    def is_answered_in_part(self) -> bool:
        """Whether bytes of its answer have been sent, so that there can be no other one."""
        return self._streamed is not None and self._streamed.writer.output_size > 0

    def streamed(
        self, connection: RequestHandler, loop: "asyncio.AbstractEventLoop"
    ) -> web.BaseRequest:
        """The object that aiohttp has for it, to be answered bit by bit."""
        writer = StreamWriter(connection, loop)
        task = cast("asyncio.Task[None]", None)  # to be cancelled by nobody
        made = web.BaseRequest(self._message, self.body, connection, writer, task, loop)
        self._streamed = made
        return made

    def _cancel(self, error: BaseException) -> None:
        """Its connection ends: called by aiohttp's."""
        set_exception(self.body, error)
