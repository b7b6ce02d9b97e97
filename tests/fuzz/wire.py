"""The real intake behind a connection in memory: bytes in, bytes out, no socket and no wait.

What a fuzzer can ask of it: that it never makes a mistake of its own, whatever the bytes were.
"""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

from gateway.core.enrollment import Answer, Enrollment
from gateway.core.facts import Fact, RequestFinished, UpstreamState
from gateway.core.forwarding import HOP_BY_HOP, OWN_PATHS
from gateway.intake.app import Intake
from gateway.intake.relay import Relay
from gateway.intake.settings import IntakeSettings
from gateway.intake.signing import load_or_create
from gateway.intake.stations import Stations
from gateway.journal.keyring import KeyRing
from gateway.journal.memory import MemoryJournal
from gateway.journal.sealing import Sealer
from tests.support.clock import ManualClock
from tests.support.scripted_delivery import ScriptedDelivery

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from gateway.intake.connection import StationConnection

RECORDED = Answer(201, (("Content-Type", "text/plain"),), b"recorded")
TURNS = 200  # of the event loop, until whatever was asked must have been answered


class Pipe(asyncio.Transport):
    """A station's end of a connection."""

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self.answers = b""
        self.closed = False
        self._protocol = protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def receive(self, data: bytes) -> None:
        """What the station sent arrives at once, as an event loop would hand it over."""
        while data and not self.closed:
            if isinstance(self._protocol, asyncio.BufferedProtocol):
                room = memoryview(self._protocol.get_buffer(-1))
                taken = min(len(room), len(data))
                room[:taken] = data[:taken]
                self._protocol.buffer_updated(taken)
                data = data[taken:]
            else:
                cast("asyncio.Protocol", self._protocol).data_received(data)
                return

    def lose(self) -> None:
        """The station goes away."""
        self._protocol.connection_lost(None)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.answers += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - asyncio's
        return ("203.0.113.9", 4711) if name == "peername" else default

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


class Wire:
    """One intake; ``send`` is one connection to it."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._heard)
        self._mistakes: list[str] = []
        self._facts: list[Fact] = []
        self._keys = load_or_create(folder / "receipts.jwks")
        structlog.configure(processors=[self._logged, structlog.processors.KeyValueRenderer()])
        self._loop.run_until_complete(self._build())

    def send(self, *parts: bytes, waits: bool = True) -> bytes:
        """Send the parts, end the connection, and return all that came back.

        Args:
            parts: what arrives at once, each.
            waits: the station waits for its answers before it goes away.

        Raises:
            AssertionError: the gateway made a mistake, or handed on what it must not.
        """
        return self._loop.run_until_complete(self._send(parts, waits=waits))

    def close(self) -> None:
        """End its event loop."""
        self._loop.close()

    async def _build(self) -> None:
        clock = ManualClock()
        self._journal = MemoryJournal()
        await self._journal.open(now=clock.now())

        def publish(fact: Fact) -> None:
            self._facts.append(fact)
            self._intake.see(fact)

        # Known to be down: whatever is kept gets its receipt at once, and no read goes anywhere.
        self._delivery = ScriptedDelivery(publish, state=UpstreamState.OPEN, waiting=1)
        self._intake = Intake(
            journal=self._journal,
            sealer=Sealer(KeyRing.generate()),
            delivery=self._delivery,
            relay=Relay(
                session=cast("ClientSession", None),  # never reached while the server is down
                upstream_url="http://server.example",
                delivery=self._delivery,
            ),
            receipt_keys=self._keys,
            stations=Stations(clock=clock),
            settings=IntakeSettings(max_body_bytes=4096),
            clock=clock,
            rng=random.Random(7),
            publish=publish,
        )
        self._intake._bodies.uploaded_from = 4  # small bodies take the way of large ones, too
        self._server = self._intake.server()

    async def _send(self, parts: tuple[bytes, ...], *, waits: bool) -> bytes:
        if len(self._delivery.handed) > 500:
            await self._build()
        self._facts.clear()
        before = set(self._delivery.handed)
        connection = cast("StationConnection", self._server())
        pipe = Pipe(connection)
        connection.connection_made(pipe)
        handling = connection._task_handler
        await asyncio.sleep(0)  # as on a socket: nothing is read before the handler waits
        for part in parts:
            pipe.receive(part)
            await asyncio.sleep(0)
        if waits:
            await until(lambda: pipe.closed or (connection.idle and not connection._messages))
        pipe.lose()
        await until(lambda: handling is None or handling.done())
        assert handling is None or handling.done(), "a request never ended"
        # Asked at once: asyncio would tell of it some connections later.
        ended = handling is None or handling.cancelled() or handling.exception()
        assert ended in {True, None}, f"the connection ended with {ended!r}"
        assert self._intake._bodies.in_flight == 0, "bytes in hand were never given back"
        assert not self._mistakes, self._mistakes
        assert pipe.answers == b"" or pipe.answers.startswith(b"HTTP/1."), pipe.answers
        for fact in self._facts:
            assert not isinstance(fact, RequestFinished) or fact.status != 500, "internal error"
        for receipt in set(self._delivery.handed) - before:
            check_handed(self._delivery.handed[receipt])
        return pipe.answers

    def _logged(self, _logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
        self._mistakes.append(str(line))
        return line

    def _heard(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._mistakes.append(repr(context.get("exception") or context["message"]))


async def until(holds: Callable[[], bool]) -> None:
    """Let the event loop turn until it holds, or has turned often enough."""
    for _ in range(TURNS):
        if holds():
            return
        await asyncio.sleep(0)


def check_handed(enrollment: Enrollment) -> None:
    """What goes on to the server is one plain request to a path of its own."""
    target = enrollment.target
    assert target.startswith("/"), target
    assert not target.startswith(("//", OWN_PATHS)), target
    assert target.isascii(), target
    assert not any(character <= " " or character == "\x7f" for character in target), target
    for name, value in enrollment.headers:
        assert name.lower() not in HOP_BY_HOP, name
        assert not set(name + value) & set("\r\n\0"), (name, value)
