"""One station's connection: aiohttp's, with deadlines and with problems instead of its pages.

Must not know enrollments. aiohttp closes idle connections by itself; what it lacks is added here:
a deadline for a head that does not end, one for a reader that does not read, bounds for what
comes beside a body, an end for a body whose framing breaks, and a word to whoever waits when the
station goes away.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, cast

import structlog
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestPayloadError, _ErrInfo

from gateway.intake.crowd import Crowd, Place
from gateway.intake.excess import Excess
from gateway.intake.handling import Answered, Handling
from gateway.intake.packet import Packet
from gateway.intake.replies import Reply
from gateway.intake.request import Request
from gateway.intake.settings import IntakeSettings
from gateway.intake.slow_reader import SlowReader
from gateway.intake.upload import Upload

Answer: TypeAlias = "Callable[[Request, StationConnection], Awaitable[Answered]]"
Explain: TypeAlias = Callable[[int], Reply]

# So much at one go of a body that has just begun: there is more, and it comes fast.
FAST = 65_536

_log = structlog.get_logger("intake")


class Shared(Protocol):
    """What all connections of a listener have in common.

    Attributes:
        settings: deadlines.
        crowd: who is here.
        answer: to a request.
        explain: the answer to what is no request: 400 (framing), 408 (late) or 500.
    """

    settings: IntakeSettings
    crowd: Crowd
    answer: Answer
    explain: Explain


class StationConnection(Handling):
    """One connection.

    Attributes:
        on_lost: called once when the station goes away while its request is in hand.
        place: whether there is room for it; where there is none, it is told so.
    """

    __slots__ = (
        *("_body", "_excess", "_head_timer", "_held", "_server", "_slow_reader"),
        *("on_lost", "place"),
    )

    def __init__(self, server: Shared, **options: object) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)  # type: ignore[arg-type]
        self.on_lost: Callable[[], object] | None = None
        self.place = Place.ROOM
        self._server = server
        self._held = False
        self._excess = Excess()
        self._body: StreamReader = EMPTY_PAYLOAD
        self._head_timer: asyncio.TimerHandle | None = None
        self._slow_reader: SlowReader | None = None

    @property
    def idle(self) -> bool:
        """Whether no request is in hand."""
        return self._waiter is not None and not self._waiter.done()

    def end_at_once(self) -> None:
        """After the next answer, close without waiting for what the station may still send."""
        self._lingering_time = 0.0

    def begin(self, body: StreamReader) -> None:
        """A request is taken in hand; its body comes through ``body``."""
        self._body = body
        if not self._messages:
            self._excess.caught_up()
        self._server.crowd.asks(self)

    def answered(self, request: Request) -> Awaitable[Answered]:
        """The answer to it."""
        return self._server.answer(request, self)

    def explained(self, status: int) -> Reply:
        """A problem instead of aiohttp's text, which repeats the request; logs nothing of it."""
        reply = self._server.explain(status)
        reply.force_close()
        return reply

    @property
    def can_upload(self) -> bool:
        """Whether bodies may come past the parser now."""
        return self.transport is not None and not (self._reading_paused or self._buffer_paused)

    async def upload(self, packet: Packet) -> None:
        """Take what is lacking of the body in hand, past the parser.

        Raises:
            ConnectionResetError: the station went away before it came.
            TimeoutError: it came too slowly.
        """
        transport, body = self.transport, self._body
        if transport is None:
            raise ConnectionResetError("the station went away")

        def completed() -> None:
            # The old parser still waits for this body; what comes next is for one that does not.
            self._parser = self._new_parser()
            transport.set_protocol(self)
            body.feed_eof()

        idle_seconds = self._server.settings.body_idle_timeout_seconds
        upload = Upload(self, packet, idle_seconds=idle_seconds, completed=completed)
        transport.set_protocol(upload)
        try:
            await upload.done
        finally:
            upload.end()
            if not body.is_eof() and self.transport is not None:
                transport.set_protocol(self)  # broken off: its parser will never see an end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find a place for it."""
        super().connection_made(transport)
        self.place = self._server.crowd.join(self)
        if self.place is Place.NONE:
            self.force_close()

    def data_received(self, data: bytes) -> None:
        """Parse; watch over heads that do not end and bodies whose framing broke."""
        # Not ``idle``: a connection's first bytes may come before its handler has begun to wait.
        was_ahead = len(self._messages)
        is_free = self._current_request is None and not was_ahead
        last_body = self._messages[-1][1] if self._messages else self._body
        body_ended = last_body.is_eof()
        try:
            super().data_received(data)
        except Exception:  # noqa: BLE001 - the parser's own mistake at bytes that are no request
            self._cannot_go_on()
        if self._messages:
            self._stop_head_timer()
            if isinstance(self._messages[-1][0], _ErrInfo):
                self._break_bodies()
        elif self._head_timer is None and data and self.idle:
            delay = self._server.settings.header_timeout_seconds
            self._head_timer = self._loop.call_later(delay, self._head_is_late)
        if not body_ended:
            if self._excess.is_too_much_framing(last_body, len(data)):
                self._cannot_go_on()
        elif is_free and len(data) >= FAST and len(self._messages) == 1:
            self._hold_back(*self._messages[0])
        if body_ended and not (is_free and self._messages):
            # The answer is read a moment before its handler is done here: a request that comes in
            # that moment is the next one in hand. Its body has a bound of its own.
            is_next = was_ahead == 0 and len(self._messages) == 1
            in_hand = self._messages[0][1].total_bytes if is_next else 0
            if self._excess.is_too_far_ahead(len(data) - in_hand):
                self._cannot_go_on()

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - aiohttp's
        """Read on, where reading was paused: aiohttp asks it of every body that was read."""
        if self._reading_paused:
            held, self._held = self._held, False
            super().resume_reading(resume_parser and not held)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell whoever waits for this station, or for its body."""
        self._server.crowd.leave(self)
        self._stop_head_timer()
        self._stop_slow_reader()
        if not self._body.is_eof():
            self._body.set_exception(ConnectionResetError("the station went away"))
        super().connection_lost(exc)
        on_lost, self.on_lost = self.on_lost, None
        if on_lost is not None:
            on_lost()

    def pause_writing(self) -> None:
        """More is waiting to be read by the station than the buffer should hold."""
        super().pause_writing()
        if self.transport is not None:
            idle_seconds = self._server.settings.body_idle_timeout_seconds
            self._slow_reader = SlowReader(self.transport, idle_seconds=idle_seconds)

    def resume_writing(self) -> None:
        """The station has read enough."""
        self._stop_slow_reader()
        super().resume_writing()

    def log_exception(self, *args: object, exc_info: object = None, **kwargs: object) -> None:
        """Say which error it was; its text may hold what a request held."""
        del args, kwargs
        if not isinstance(exc_info, (ConnectionError, RequestPayloadError)):
            _log.error("connection_failed", error=type(exc_info).__name__)

    def _new_parser(self) -> HttpRequestParser:
        """One as aiohttp makes it for a new connection."""
        return HttpRequestParser(
            self,
            self._loop,
            self._read_bufsize,
            max_line_size=self.max_line_size,
            max_field_size=self.max_field_size,
            max_headers=self.max_headers,
            payload_exception=RequestPayloadError,
            auto_decompress=False,
            max_msg_queue_size=self._max_msg_queue_size,
        )

    def _hold_back(self, message: RawRequestMessage | _ErrInfo, body: StreamReader) -> None:
        """Read no more of a body that has just begun to come fast, until it is read here.

        Its first bytes came at one go, and as many more may be there: the event loop would read
        them, and the parser copy them, before the handler can say where they go.
        """
        if self.transport is not None and not (
            isinstance(message, _ErrInfo)
            or message.chunked
            or body.is_eof()
            or not body.total_bytes  # whoever reads these reads on
            or self._reading_paused
        ):
            self._reading_paused = self._held = True
            self.transport.pause_reading()

    def _break_bodies(self) -> None:
        """End the wait for bodies: broken framing is answered, but leaves them waiting."""
        broken = RequestPayloadError("the framing of the body broke")
        for body in (self._body, *(payload for _, payload in self._messages)):
            if not body.is_eof():
                body.set_exception(broken)

    def _cannot_go_on(self) -> None:
        """What it asked until now is answered, and nothing more is read."""
        if self.idle:
            self._end_with(400)
        else:
            self._break_bodies()
            self.close()

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.idle:
            self._end_with(408)

    def _end_with(self, status: int) -> None:
        wrong = _ErrInfo(status=status, exc=ValueError(), message="")
        self._messages.append((wrong, EMPTY_PAYLOAD))
        cast("asyncio.Future[None]", self._waiter).set_result(None)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_slow_reader(self) -> None:
        if self._slow_reader is not None:
            self._slow_reader.stop()
            self._slow_reader = None
