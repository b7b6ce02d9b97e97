"""The protocol factory of the public listener: what every connection has in common.

Must not know what one connection does.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, cast

from aiohttp import http_parser, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from gateway.intake.connection import Explain, StationConnection
from gateway.intake.crowd import Crowd
from gateway.intake.settings import IntakeSettings
from gateway.targets import targeted

if TYPE_CHECKING:
    import asyncio

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class StationServer(web.Server):
    """Makes a ``StationConnection`` for each connection.

    Handlers are not cancelled when a station goes away: an enrollment that is being kept must be
    kept. Whoever only waits learns of it through ``on_lost``.
    """

    def __init__(self, handler: Handler, *, explain: Explain, settings: IntakeSettings) -> None:
        """Set it up.

        Args:
            handler: answers a request.
            explain: the answer to what is no request: 400 (framing), 408 (late) or 500.
            settings: deadlines.
        """
        # The parser in Python is far slower and not the one that was tried against bad framing.
        if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
            raise RuntimeError("aiohttp was built without its C parser; install a wheel of it")
        super().__init__(handler, request_factory=self._request)
        self.explain = explain
        self.settings = settings
        self.crowd = Crowd(settings.max_connections)
        self._options = {
            "keepalive_timeout": settings.keepalive_seconds,
            "access_log": None,
            "auto_decompress": False,
        }

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        return StationConnection(self, **self._options)

    @property
    def stations(self) -> list[StationConnection]:
        """Connections that stand."""
        return cast("list[StationConnection]", self.connections)

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        cast("StationConnection", protocol).begin(payload)
        return web.BaseRequest(targeted(message), payload, protocol, writer, task, self._loop)
