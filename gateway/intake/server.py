"""The protocol factory of the public listener: what every connection has in common.

Must not know what one connection does.
"""

from typing import cast

from aiohttp import http_parser, web
from aiohttp.web_protocol import RequestHandler

from gateway.intake.connection import Answer, Explain, StationConnection
from gateway.intake.crowd import Crowd
from gateway.intake.settings import IntakeSettings


class StationServer(web.Server):
    """Makes a ``StationConnection`` for each connection.

    Handlers are not cancelled when a station goes away: an enrollment that is being kept must be
    kept. Whoever only waits learns of it through ``on_lost``.
    """

    def __init__(self, answer: Answer, *, explain: Explain, settings: IntakeSettings) -> None:
        """Set it up.

        Args:
            answer: to a request.
            explain: the answer to what is no request: 400 (framing), 408 (late) or 500.
            settings: deadlines.
        """
        # The parser in Python is far slower and not the one that was tried against bad framing.
        if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
            raise RuntimeError("aiohttp was built without its C parser; install a wheel of it")
        super().__init__(_of_aiohttp)
        self.answer = answer
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


async def _of_aiohttp(_: web.BaseRequest) -> web.StreamResponse:
    """What aiohttp's own connections would ask; those of stations do not."""
    raise NotImplementedError
