"""A whole intake on real sockets: memory journal, scripted delivery, a small upstream for reads."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from yarl import URL

from gateway.core.enrollment import Answer, Enrollment, Headers
from gateway.core.facts import Fact, RequestFinished
from gateway.core.lifecycle import Status
from gateway.intake.app import Intake
from gateway.intake.listener import Listener
from gateway.intake.relay import Relay
from gateway.intake.settings import IntakeSettings
from gateway.intake.signing import load_or_create
from gateway.intake.stations import Stations
from gateway.journal.contract import Change, Totals
from gateway.journal.keyring import KeyRing
from gateway.journal.memory import MemoryJournal
from gateway.journal.sealing import Sealer
from tests.support.clock import ManualClock
from tests.support.scripted_delivery import ScriptedDelivery

RECORDED = Answer(201, (("Content-Type", "text/plain"), ("X-Server", "1")), b"recorded")


@dataclass(frozen=True)
class Got:
    """An answer as a station sees it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document

    @property
    def problem(self) -> str | None:
        """The last part of the problem type; None if it is no problem."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return None
        assert self.json["status"] == self.status
        return str(self.json["type"].rpartition("/")[2])


Upstream = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def no_upstream(_: web.BaseRequest) -> web.StreamResponse:
    """A test that reads nothing from the upstream must not reach it."""
    raise AssertionError("the upstream was asked")


@dataclass
class Door:
    """What a test needs at hand."""

    address: tuple[str, int]
    journal: MemoryJournal
    sealer: Sealer
    delivery: ScriptedDelivery
    intake: Intake
    listener: Listener
    session: aiohttp.ClientSession
    clock: ManualClock
    upstream: RawTestServer
    facts: list[Fact] = field(default_factory=list)

    async def ask(
        self,
        method: str = "POST",
        target: str = "/enrollments",
        *,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        body: bytes | AsyncIterator[bytes] | None = b"packet",
    ) -> Got:
        """Send one request and read its answer."""
        host, port = self.address
        async with self.session.request(
            method,
            URL(f"http://{host}:{port}{target}", encoded=True),
            headers=headers,
            data=body,
            skip_auto_headers=("Content-Type", "Accept", "Accept-Encoding", "User-Agent"),
            allow_redirects=False,
        ) as response:
            return Got(response.status, response.headers, await response.read())

    async def raw(self, sent: bytes, *, end: bool = False) -> bytes:
        """Send bytes as they are and read until the gateway closes the connection."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            writer.write(sent)
            if end:
                writer.write_eof()
            return await asyncio.wait_for(reader.read(), 5.0)
        finally:
            writer.close()

    async def totals(self) -> Totals:
        """How many enrollments were accepted, and where they stand."""
        return await self.journal.totals()

    async def only(self) -> Enrollment:
        """The one enrollment that was handed to delivery."""
        (enrollment,) = self.delivery.handed.values()
        return enrollment

    async def settle(
        self, enrollment: Enrollment, status: Status, answer: Answer | None = None
    ) -> None:
        """Make the journal and the facts say how it ended."""
        kept = await self.journal.find(enrollment.id)
        assert kept is not None
        if kept.life.status is Status.PENDING and status is not Status.CANCELLED:
            await self.journal.begin(enrollment.id, now=self.clock.now())
        sealed = None
        if answer is not None:
            sealed = self.sealer.seal_answer(
                enrollment.id, enrollment.station, enrollment.fingerprint, answer
            )
        later = self.clock.now() + 1.0 if status in {Status.PENDING, Status.IN_DOUBT} else None
        change = Change(status, "scripted", later, sealed)
        assert await self.journal.change(enrollment.id, change, now=self.clock.now())
        self.delivery.settle(enrollment.id, status, answer)

    def finished(self) -> RequestFinished:
        """The last request's ending."""
        return [fact for fact in self.facts if isinstance(fact, RequestFinished)][-1]


@asynccontextmanager
async def open_door(
    folder: Path,
    *,
    settings: IntakeSettings | None = None,
    tokens: Path | None = None,
    upstream: Upstream = no_upstream,
    journal: MemoryJournal | None = None,
    authorization: Callable[[], str | None] = lambda: None,
) -> AsyncIterator[Door]:
    """Open a door on a free port of loopback, and close it."""
    facts: list[Fact] = []
    clock = ManualClock()
    journal = journal or MemoryJournal()
    await journal.open(now=clock.now())
    sealer = Sealer(KeyRing.generate())

    def publish(fact: Fact) -> None:
        facts.append(fact)
        intake.see(fact)

    delivery = ScriptedDelivery(publish, answers=lambda _: RECORDED)
    async with AsyncExitStack() as stack:
        server = RawTestServer(upstream, access_log=None)
        await server.start_server()
        stack.push_async_callback(server.close)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        )
        intake = Intake(
            journal=journal,
            sealer=sealer,
            delivery=delivery,
            relay=Relay(
                session=session,
                upstream_url=str(server.make_url("")),
                delivery=delivery,
                authorization=authorization,
            ),
            receipt_keys=load_or_create(folder / "receipts.jwks"),
            stations=Stations(clock=clock, tokens_file=tokens),
            settings=settings or IntakeSettings(hold_seconds=2.0),
            clock=clock,
            rng=random.Random(7),
            publish=publish,
        )
        listener = Listener(intake)
        address = await listener.start("127.0.0.1", 0)
        door = Door(
            address, journal, sealer, delivery, intake, listener, session, clock, server, facts
        )
        try:
            yield door
        finally:
            listener.stop_accepting()
            await listener.drain(0.2)


def header(headers: Headers, name: str) -> list[str]:
    """All values of a header that goes on to the upstream."""
    return [value for known, value in headers if known.lower() == name.lower()]
