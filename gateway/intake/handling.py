"""The requests of one connection, one after the other: aiohttp's connection with a loop of ours.

Theory: aiohttp starts a task for each request, and makes a request, a response and a writer that
are ready for answers bit by bit. Nearly all answers here are whole. So a request is answered by its
connection's own task, and its answer is written at once.

Must not know what a request is about, or how long it may take.
"""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeAlias, cast

from aiohttp.streams import StreamReader
from aiohttp.web_protocol import ERROR, RequestHandler, _ErrInfo

from gateway.intake.replies import AsGiven, Reply
from gateway.intake.request import Request

if TYPE_CHECKING:
    from aiohttp import web

Answered: TypeAlias = Reply | AsGiven
"""A whole answer, or one that was sent as it came."""


class Handling(RequestHandler):
    """aiohttp's protocol of one connection, that answers what comes on it."""

    __slots__ = ()

    def begin(self, body: StreamReader) -> None:
        """A request is taken in hand; its body comes through ``body``."""
        raise NotImplementedError

    def answered(self, request: Request) -> Awaitable[Answered]:
        """The answer to it. ``ConnectionError``: there can be none."""
        raise NotImplementedError

    def explained(self, status: int) -> Reply:
        """The answer to what is no request."""
        raise NotImplementedError

    def send(self, request: Request, answer: Answered) -> None:
        """Send what was not sent as it came.

        Raises:
            ConnectionError: the station is gone.
        """
        if isinstance(answer, Reply):
            transport = self.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError("the station is gone")
            answer.write(transport, request)
            self._keepalive = request.stays and not answer.ends
        else:
            self._keepalive = bool(answer.keep_alive)

    async def start(self) -> None:
        """Answer what comes until the connection ends; aiohttp runs it as a task."""
        try:
            while not self._force_close:
                if not self._messages:
                    self._waiter = self._loop.create_future()
                    try:
                        await self._waiter
                    finally:
                        self._waiter = None
                await self._handle_next()
                if not self._keepalive or self._close or self._force_close:
                    break
                self._close_when_idle()
                if self._messages:
                    await asyncio.sleep(0)  # others' turn, whatever this one has sent ahead
        except ConnectionError:
            pass  # the station is gone, or must see that its answer broke off
        except asyncio.CancelledError:
            self.force_close()
            raise
        except Exception as error:  # noqa: BLE001 - a connection must not stand for ever, whatever it is
            self.log_exception(exc_info=error)
            self.force_close()
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def _handle_next(self) -> None:
        message, body = self._messages.popleft()
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()
        self.begin(body)
        self._request_in_progress = True
        try:
            if isinstance(message, _ErrInfo):
                request = Request(ERROR, body)
                answer: Answered = self.explained(message.status)
            else:
                request = Request(message, body)
                # All that aiohttp asks of it is to be cancelled.
                self._current_request = cast("web.BaseRequest", request)
                try:
                    answer = await self.answered(request)
                finally:
                    self._current_request = None
            if self._upgraded:
                self._stay_with_http()
            self.send(request, answer)
            if self._paused:
                await self._drain_helper()
            if not body.is_eof():
                await self._read_past(body)
        finally:
            self._request_in_progress = False
            if self._handler_waiter is not None:
                self._handler_waiter.set_result(None)

    def _stay_with_http(self) -> None:
        """No upgrade is ever granted: what came behind its request is read as the next one's."""
        if self._messages or self._parser is None:
            return
        self._parser.set_upgraded(False)
        self._upgraded = False
        tail, self._message_tail = self._message_tail, b""
        if tail:
            super().data_received(tail)
        if self._buffer_paused:
            self._resume_reading_if_drained()

    async def _read_past(self, body: StreamReader) -> None:
        """Nobody wanted the rest of a body: read it for a while, so that the answer is read."""
        if self._lingering_time and not self._force_close:
            try:
                async with asyncio.timeout(self._lingering_time):
                    while not body.is_eof():
                        await body.readany()
            except TimeoutError:
                pass
        if not body.is_eof():
            self.close()

    def _close_when_idle(self) -> None:
        due = self._loop.time() + self._keepalive_timeout
        self._next_keepalive_close_time = due
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(due, self._process_keepalive)
