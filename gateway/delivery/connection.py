"""One connection to the upstream: sends a request, reads its answer; one exchange at a time.

Must not know what an answer means, nor who made the connection. It never asks again.

Why not aiohttp's session: an exchange through it costs several times what the rest of an attempt
costs, for cookies, redirects, decoding and proxies that the gateway must not use. The parser is
llhttp, the one that aiohttp has in its own, here without leniencies.

An answer is whole only where its framing says so: at its length, at its last chunk, or, with
neither, at an orderly end of the connection. Everything else is broken, and so in doubt.
"""

import asyncio
from typing import Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.core.enrollment import Answer, Body
from gateway.core.outcome import Broken

MOST_HEAD_BYTES: Final = 64 * 1024


class UpstreamConnection(asyncio.Protocol):
    """A connection and the exchange on it."""

    def __init__(self, *, most_answer_bytes: int) -> None:
        """Wait to be connected.

        Args:
            most_answer_bytes: a longer answer counts by its status; its body is not kept.
        """
        self._most = most_answer_bytes
        self._transport: asyncio.Transport | None = None
        self._parser: HttpResponseParser | None = None
        self._answer: asyncio.Future[Answer | Broken] | None = None
        self._reusable = True
        self._loop = asyncio.get_running_loop()
        self._begin()

    def _begin(self) -> None:
        self._headers: list[tuple[str, str]] = []
        self._chunks: list[bytes] = []
        self._size = 0
        self._head_bytes = 0
        self._has_head = False
        self._status = 0

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow: it stands, and nothing is left on it of the last."""
        return (
            self._reusable
            and self._transport is not None
            and not self._transport.is_closing()
            and self._transport.get_write_buffer_size() == 0
        )

    def ask(self, head: bytes, body: Body) -> "asyncio.Future[Answer | Broken]":
        """Send a request; done when its answer is whole, or cannot be any more."""
        transport = self._transport
        answer: asyncio.Future[Answer | Broken] = self._loop.create_future()
        if transport is None or self._parser is None:
            answer.set_result(Broken("eof"))  # it was closed between being chosen and being used
            return answer
        self._begin()
        self._answer = answer
        transport.writelines((head, body) if body else (head,))
        return answer

    def break_off(self, cause: str) -> None:
        """Wait no longer: the exchange under way is broken, and the connection with it."""
        self._finish(Broken(cause))
        self.close()

    def close(self) -> None:
        """Drop the connection and what is still unsent on it."""
        self._reusable = False
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio's side --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = cast("asyncio.Transport", transport)
        self._parser = HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Parse."""
        if self._answer is None or self._parser is None:
            self.close()  # nobody asked: what comes now would be taken for the next answer
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.break_off("malformed")
            return
        if not self._has_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.break_off("malformed")

    def connection_lost(self, exc: Exception | None) -> None:
        """What was not whole before this never will be."""
        self._transport = self._parser = None
        if self._has_head:
            is_whole = exc is None and self._ends_with_the_connection()
            self._finish(self._whole() if is_whole else Broken("malformed"))
        else:
            self._finish(Broken("eof" if exc is None else "reset"))

    # -- the parser's side -----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins; a second one was not asked for."""
        if self._answer is None:
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line of the head. Those that follow a chunked body are no part of it."""
        if not self._has_head and self._answer is not None:
            self._headers.append(
                (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
            )

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._answer is not None and self._parser is not None:
            self._has_head = True
            self._status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        """A part of the body: kept while it is not too long, read to its end either way."""
        if self._answer is not None:
            self._size += len(data)
            if self._size <= self._most:
                self._chunks.append(data)
            else:
                self._chunks.clear()

    def on_message_complete(self) -> None:
        """An answer is whole. One that only says "go on" (1xx) is followed by the real one."""
        if self._answer is None or self._parser is None:
            return
        if self._status < 200:
            self._begin()
            return
        self._reusable = self._parser.should_keep_alive()
        self._finish(self._whole())

    def _whole(self) -> Answer:
        return Answer(self._status, tuple(self._headers), b"".join(self._chunks))

    def _ends_with_the_connection(self) -> bool:
        """RFC 9112, section 6.3: with neither a length nor a coding, the end is the end."""
        framing = ("content-length", "transfer-encoding")
        return self._status >= 200 and not any(name.lower() in framing for name, _ in self._headers)

    def _finish(self, seen: Answer | Broken) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(seen)
