"""The door of a gateway: what a station sends and asks, as intake is told of it, without HTTP.

Must not know whether the gateway behind it is up.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from aiohttp import HttpVersion11

from gateway.intake.enrolling import Enrolling
from gateway.intake.head import Head
from gateway.intake.packet import Packet
from gateway.intake.receipt_resource import ReceiptResource
from gateway.intake.receipts import Standing
from gateway.intake.replies import Refused, Reply
from gateway.intake.visit import Visit, Wishes
from gateway.journal.contract import JournalFault
from simulation.whole.journal import WatchedJournal
from simulation.whole.scenario import Arrival
from simulation.whole.secrets import SEALER

if TYPE_CHECKING:
    from gateway.intake.connection import StationConnection
    from gateway.intake.request import Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Brought:
    """An enrollment as intake is told of it. ``hold``: seconds that its station waits at most."""

    station: str
    key: str
    ordering_key: str | None
    priority: int
    hold: float


@dataclass
class Line:
    """A station's connection, as far as intake looks at it."""

    on_lost: Callable[[], object] | None = None
    transport: object | None = "a wire"

    def hang_up(self) -> None:
        """The station goes away."""
        self.transport = None
        on_lost, self.on_lost = self.on_lost, None
        if on_lost is not None:
            on_lost()


_HEAD = Head("POST", HttpVersion11, {}, ())


class Asked(Protocol):
    """Does work inside the process, or raises ``Gone``."""

    async def __call__(self, work: Coroutine[object, object, T]) -> T: ...  # noqa: D102


class Door:
    """Where stations come in. ``asked`` does the work inside the gateway's process."""

    def __init__(
        self,
        *,
        enrolling: Enrolling,
        receipts: ReceiptResource,
        journal: WatchedJournal,
        asked: Asked,
    ) -> None:
        self._enrolling = enrolling
        self._receipts = receipts
        self._journal = journal
        self._asked = asked

    async def enroll(self, arrival: Arrival | Brought, body: bytes, line: Line) -> Reply | Refused:
        """A request at the door, and what is answered.

        Raises:
            Gone: no answer came.
        """
        visit = _visit(arrival, line)

        async def answer() -> Reply | Refused:
            try:
                return await self._enrolling.enroll(visit, Packet.whole(body))
            except Refused as refused:
                return refused

        return await self._asked(answer())

    async def receipt(self, target: str, station: str, line: Line, *, wait: int) -> Reply | Refused:
        """A station asks for a receipt by its address, and waits a while for the end.

        Raises:
            Gone: no answer came.
        """
        head = Head("GET", HttpVersion11, {"prefer": [f"wait={wait}"]}, ())

        async def answer() -> Reply | Refused:
            try:
                return await self._receipts.receipt(
                    head, target, station=station, connection=cast("StationConnection", line)
                )
            except Refused as refused:
                return refused

        return await self._asked(answer())

    async def look(self, arrival: Arrival) -> Standing | None:
        """A station asks for its receipt by key; None: the gateway cannot say now.

        Raises:
            Gone: no answer came.
        """

        async def answer() -> Standing | None:
            try:
                kept = await self._journal.find_identity(
                    SEALER.identity(arrival.station, arrival.key)
                )
                return None if kept is None else Standing.found(kept, SEALER)
            except JournalFault:
                return None

        return await self._asked(answer())


def _visit(arrival: Arrival | Brought, line: Line) -> Visit:
    headers = [("X-Enrollment", arrival.key)]
    if arrival.ordering_key is not None:
        headers.append(("Ordering-Key", arrival.ordering_key))
    return Visit(
        request=cast("Request", None),  # its body was read
        head=_HEAD,
        connection=cast("StationConnection", line),
        station=arrival.station,
        target="/enrollments",
        headers=tuple(headers),
        wishes=Wishes(
            key=arrival.key,
            key_as_given=arrival.key,
            ordering_key=arrival.ordering_key,
            priority=arrival.priority,
            hold_seconds=arrival.hold,
            applied="",
        ),
        span=None,
    )
