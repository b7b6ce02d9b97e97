"""The operators' listener: aiohttp's, but what is no request is told so without being repeated.

aiohttp's own page and its log line quote the bytes that it choked on. It also waits for ever for a
first request, and for the rest of one; here who sends none in time is gone. Must not know what is
served.
"""

import asyncio
from typing import Final

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.admin.guard import problem
from gateway.core.problems import ProblemType
from gateway.targets import of_targeted

IDLE_SECONDS: Final = 30.0
"""A connection that brings no request in this time, or no end of one, is ended."""

_log = structlog.get_logger("gateway.admin")


class OperatorsConnection(RequestHandler):
    """aiohttp's protocol of one connection."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Look after it from now on."""
        super().connection_made(transport)
        self._look_later()

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(IDLE_SECONDS, self._look, self._request_count)

    def _look(self, seen: int) -> None:
        if self.transport is None:
            return
        request = self._current_request
        is_served = request is not None and request.content.is_eof()
        if self._request_count == seen and not is_served:
            self.transport.abort()
        else:
            self._look_later()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A problem that repeats nothing; ends the connection."""
        del message
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun and cannot be finished")
        kind = ProblemType.INTERNAL_ERROR if status >= 500 else ProblemType.BAD_REQUEST
        name = None if exc is None else type(exc).__name__
        _log.info("admin_request_refused", status=status, error=name)
        answer = problem(kind, "The request cannot be understood.", status=status)
        answer.force_close()
        return answer


class OperatorsServer(web.Server):
    """Makes an ``OperatorsConnection`` for each connection."""

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        return OperatorsConnection(self, loop=self._loop, **self._kwargs)


class OperatorsRunner(web.AppRunner):
    """Serves an application through an ``OperatorsServer``."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return OperatorsServer(
            made.request_handler,
            request_factory=of_targeted(made.request_factory),
            access_log=None,
        )
