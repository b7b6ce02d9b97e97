"""Who asks for what, and which room answers.

Must not know how any of them does it. Nothing of a request goes into a log.
"""

import asyncio
import traceback
from collections.abc import Awaitable
from dataclasses import replace
from typing import NoReturn

import structlog

from gateway.clock import Clock
from gateway.core.facts import Publish, RequestFinished, RequestOutcome
from gateway.core.forwarding import OWN_PATHS, end_to_end
from gateway.core.problems import Language, ProblemType
from gateway.core.routes import SAFE, is_kept, route_for
from gateway.intake.asking import identify, language_of, signed
from gateway.intake.connection import StationConnection
from gateway.intake.crowd import Place
from gateway.intake.enrolling import Enrolling
from gateway.intake.handling import Answered
from gateway.intake.head import Head, read_head, safe_target
from gateway.intake.reading import BodyReader
from gateway.intake.receipt_resource import ReceiptResource
from gateway.intake.relay import Relay
from gateway.intake.replies import Refused, Reply, problem_reply
from gateway.intake.request import Request
from gateway.intake.settings import IntakeSettings
from gateway.intake.stations import Stations, may_use
from gateway.intake.visit import Visit, read_wishes
from gateway.observe.tracing import UNTRACED, Tracing

UNKNOWN = "unknown"
CROWD_PASSES_AFTER = 2  # seconds
_CREDENTIAL = frozenset({"authorization"})
_KEY = frozenset({"idempotency-key"})
_NO_REQUEST = {400: ProblemType.BAD_REQUEST, 408: ProblemType.REQUEST_TIMEOUT}


class Door:
    """Answers each request, and counts those in hand."""

    def __init__(  # noqa: PLR0913 - each room, once
        self,
        *,
        bodies: BodyReader,
        enrolling: Enrolling,
        resource: ReceiptResource,
        relay: Relay,
        stations: Stations,
        settings: IntakeSettings,
        clock: Clock,
        publish: Publish,
        tracing: Tracing,
    ) -> None:
        """Wire it up.

        Args:
            bodies: reads them.
            enrolling: keeps what is an enrollment.
            resource: the gateway's own paths.
            relay: carries what is not kept.
            stations: tells who asks.
            settings: limits, holds and routes.
            clock: measures how long an answer took.
            publish: where facts go.
            tracing: begins a span for each enrollment.
        """
        self._bodies = bodies
        self._enrolling = enrolling
        self._resource = resource
        self._relay = relay
        self._stations = stations
        self._settings = settings
        self._clock = clock
        self._publish = publish
        self._tracing = tracing
        self._dropped = _CREDENTIAL if stations.use_tokens else frozenset[str]()
        self._not_kept = self._dropped | _KEY
        self._log = structlog.get_logger("intake")
        self._in_hand = 0
        self._quiet: asyncio.Event | None = None

    async def finish(self) -> None:
        """From now on every answer ends its connection; return when no request is in hand."""
        self._quiet = self._quiet or asyncio.Event()
        if self._in_hand == 0:
            self._quiet.set()
        await self._quiet.wait()

    async def handle(self, request: Request, connection: StationConnection) -> Answered:
        """Answer one request, whatever happens."""
        began = self._clock.monotonic()
        self._in_hand += 1
        name = UNKNOWN
        try:
            if connection.place is not Place.ROOM:
                _turn_away()
            head = read_head(request, without=self._not_kept)
            target = safe_target(request, head)
            if target.startswith(OWN_PATHS):
                response = await self._own(request, head, target, connection)
            else:
                station = identify(self._stations, head, connection)
                name, path = station.name, target.partition("?")[0]
                may_use(station, path)
                self._stations.enter(station)
                try:
                    response = await self._served(request, head, target, path, connection, name)
                finally:
                    self._stations.leave(station)
        except Refused as refused:
            response = problem_reply(refused, language_of(request))
            if refused.close:
                connection.end_at_once()
        except ConnectionError:
            raise  # the station is gone, or must see that its answer broke off
        except Exception as error:  # noqa: BLE001 - a fault of ours; the station learns no more
            response = self._own_fault(request, error)
        finally:
            self._in_hand -= 1
            if self._quiet is not None and self._in_hand == 0:
                self._quiet.set()
        self._tell(request.method, name, response, self._clock.monotonic() - began)
        if self._quiet is not None:
            response.force_close()
        return response

    async def _own(
        self, request: Request, head: Head, target: str, connection: StationConnection
    ) -> Answered:
        if head.method not in SAFE:
            raise Refused(ProblemType.NOT_FOUND)
        public = self._resource.public(target.partition("?")[0], language_of(request))
        if public is not None:
            return public
        station = identify(self._stations, head, connection)
        self._stations.enter(station)
        try:
            return await self._resource.receipt(
                head, target, station=station.name, connection=connection
            )
        finally:
            self._stations.leave(station)

    def _served(
        self,
        request: Request,
        head: Head,
        target: str,
        path: str,
        connection: StationConnection,
        station: str,
    ) -> Awaitable[Answered]:
        """The answer to what is for the server: it is kept, or passed on."""
        settings = self._settings
        route = route_for(settings.routes, method=head.method, path=path)
        if not is_kept(route, head.method):
            hold = settings.hold_seconds if route.hold_seconds is None else route.hold_seconds
            return self._pass_on(request, head, target, connection, hold)
        wishes = read_wishes(
            head,
            route,
            hold_seconds=settings.hold_seconds,
            key_required=settings.require_idempotency_key,
        )
        headers = signed(head.onward, head, connection)
        visit = Visit(request, head, connection, station, target, headers, wishes, None)
        return self._take_in(visit) if self._tracing is UNTRACED else self._traced(visit)

    async def _pass_on(
        self,
        request: Request,
        head: Head,
        target: str,
        connection: StationConnection,
        hold_seconds: float,
    ) -> Answered:
        """Read the body and relay it."""
        headers = end_to_end(request.headers.items(), without=self._dropped)
        headers = signed(headers, head, connection)
        packet = await self._bodies.read(request, connection)
        try:
            return await self._relay.relay(
                request,
                target,
                headers,
                packet.plain or b"",
                hold_seconds=hold_seconds,
                connection=connection,
            )
        finally:
            self._bodies.release(packet.size)

    async def _take_in(self, visit: Visit) -> Reply:
        """Read the body and keep it."""
        # In the clear it is needed only to be sent while its station waits.
        packet = await self._bodies.read(
            visit.request, visit.connection, sealed=True, kept=visit.wishes.hold_seconds > 0
        )
        try:
            return await self._enrolling.enroll(visit, packet)
        finally:
            self._bodies.release(packet.size)

    async def _traced(self, visit: Visit) -> Reply:
        """Take it in within a span, which tells what came of that."""
        with self._tracing.request(visit.headers) as span:
            span.tell(station=visit.station)
            try:
                headers = span.onward(visit.headers)
                reply = await self._take_in(replace(visit, headers=headers, span=span))
            except Refused as refused:
                span.tell(outcome=RequestOutcome.REFUSED, problem=refused.problem)
                raise
            span.tell(outcome=reply.outcome, status_class=f"{reply.status // 100}xx")
            return reply

    def explain(self, status: int) -> Reply:
        """The answer to what is no request at all."""
        problem = _NO_REQUEST.get(status, ProblemType.INTERNAL_ERROR)
        reason = "framing" if problem is ProblemType.BAD_REQUEST else None
        refused = Refused(problem, reason=reason, close=True)
        response = problem_reply(refused, Language.ENGLISH)
        self._tell(UNKNOWN.upper(), UNKNOWN, response, 0.0)
        return response

    def _own_fault(self, request: Request, error: Exception) -> Answered:
        # The text of an exception may hold what a request held; where it happened does not.
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        self._log.error(
            "request_failed",
            error=type(error).__name__,
            where=[f"{frame.name}:{frame.lineno}" for frame in frames],
        )
        if request.is_answered_in_part:
            raise ConnectionError("an answer was begun and cannot be finished") from error
        return problem_reply(Refused(ProblemType.INTERNAL_ERROR, close=True), language_of(request))

    def _tell(self, method: str, station: str, response: Answered, seconds: float) -> None:
        if response.outcome is not None:
            self._publish(
                RequestFinished(
                    method, response.outcome, response.status, seconds, station, response.problem
                )
            )


def _turn_away() -> NoReturn:
    raise Refused(ProblemType.OVERLOADED, retry_after=CROWD_PASSES_AFTER, close=True)
