"""Read a request's body: whole, bounded, and not for ever.

Must not know what the body is. It is never decoded and never parsed.
"""

import asyncio

from aiohttp.http import HttpVersion11
from aiohttp.web_protocol import RequestPayloadError

from gateway.core.problems import ProblemType
from gateway.intake.connection import StationConnection
from gateway.intake.packet import Packet
from gateway.intake.replies import Refused
from gateway.intake.request import Request
from gateway.intake.upload import LEAST_PROGRESS

OVERLOAD_PASSES_AFTER = 2

# The change of protocols costs about as much as two more copies of so many bytes.
UPLOADED = 32 * 1024


class BodyReader:
    """Reads bodies within a budget of bytes for all of them at once.

    Attributes:
        in_flight: bytes of bodies in memory, those promised by a length included.
        uploaded_from: how many bytes must be missing, for the rest to come past the parser.
    """

    uploaded_from = UPLOADED

    def __init__(
        self, *, max_body_bytes: int, max_inflight_bytes: int, idle_seconds: float
    ) -> None:
        self._most = max_body_bytes
        self._budget = max_inflight_bytes
        self._idle_seconds = idle_seconds
        self.in_flight = 0

    async def read(
        self,
        request: Request,
        connection: StationConnection,
        *,
        sealed: bool = False,
        kept: bool = True,
    ) -> Packet:
        """The whole body. The caller must ``release`` its size when it is in memory no more.

        Args:
            request: its head; the body may be here already, or not.
            connection: where it comes from.
            sealed: seal it on the way, if it does not come in one piece.
            kept: have it in the clear in any case.

        Raises:
            Refused: ``body-too-large``, ``overloaded``, ``request-timeout``, or ``bad-request``
                for a body that broke off. Nothing is left to release then.
        """
        body = request.body
        try:
            if not body.is_eof():
                return await self._as_it_comes(request, connection, sealed=sealed, kept=kept)
            size = body.total_bytes
            self._grow(0, size)
            try:
                return Packet.whole(body.read_nowait())
            except BaseException:
                self.release(size)
                raise
        except (RequestPayloadError, ConnectionError):
            raise Refused(ProblemType.BAD_REQUEST, reason="body-incomplete", close=True) from None
        except TimeoutError:
            raise Refused(ProblemType.REQUEST_TIMEOUT, close=True) from None

    def release(self, size: int) -> None:
        """A body of this size is in memory no more."""
        self.in_flight -= size

    async def _as_it_comes(
        self, request: Request, connection: StationConnection, *, sealed: bool, kept: bool
    ) -> Packet:
        body, declared = request.body, int(request.headers.get("Content-Length", 0))
        # Taken at once, so that a slow upload that was begun can also be finished.
        taken = self._grow(0, declared)
        try:
            packet = Packet(declared, sealed=sealed, kept=kept)
            _invite(request, connection)
            packet.add(body.read_nowait())
            taken = self._grow(taken, packet.size)
            if declared - packet.size >= self.uploaded_from and connection.can_upload:
                await connection.upload(packet)
            else:
                now = asyncio.get_running_loop().time
                async with asyncio.timeout(self._idle_seconds) as watch:
                    enough = LEAST_PROGRESS
                    while chunk := await body.readany():
                        packet.add(chunk)
                        taken = self._grow(taken, packet.size)
                        if packet.size >= enough:
                            enough = packet.size + LEAST_PROGRESS
                            watch.reschedule(now() + self._idle_seconds)
            _check_whole(packet, declared)
        except BaseException:
            self.release(taken)
            raise
        return packet

    def _grow(self, taken: int, size: int) -> int:
        """What is taken from the budget now that a body has come to ``size``."""
        if size > self._most:
            raise Refused(ProblemType.BODY_TOO_LARGE)
        if size > taken:
            self._take(size - taken)
        return max(size, taken)

    def _take(self, size: int) -> None:
        if size > 0 and self.in_flight + size > self._budget:
            raise Refused(ProblemType.OVERLOADED, retry_after=OVERLOAD_PASSES_AFTER)
        self.in_flight += size


def _check_whole(packet: Packet, declared: int) -> None:
    # What it lacks would be whatever stood in the memory before.
    if packet.size < declared:
        raise RequestPayloadError("the body is shorter than it said")


def _invite(request: Request, connection: StationConnection) -> None:
    """100 Continue, where the station waits for it (RFC 9110, section 10.1.1)."""
    expect = request.headers.get("Expect")
    if expect is not None and expect.lower() == "100-continue" and request.version == HttpVersion11:
        if connection.transport is None or connection.transport.is_closing():
            raise ConnectionResetError("the station went away")
        connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
