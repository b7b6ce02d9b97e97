"""An admin listener on a test bench: real journal in memory, scripted delivery, a still clock."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from gateway.admin.app import build_admin_app
from gateway.admin.token import Bearer
from gateway.core.admission import Changed, Outlook, UpstreamView
from gateway.core.facts import Fact, OperatorActed, UpstreamState
from gateway.core.ids import uuid7
from gateway.core.lifecycle import Status
from gateway.journal.contract import Change, Entry, Sealed
from gateway.journal.memory import MemoryJournal
from gateway.observe.metrics import Metrics

TOKEN = "rahasia-rahasia-rahasia"
UNKNOWN = "0197a000-0000-7000-8000-000000000000"
START = 1_764_000_000.0
Client = TestClient[Request, Application]
Document = dict[str, Any]


@dataclass
class StillClock:
    """A clock that only the test moves."""

    time: float = START

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


@dataclass
class ScriptedControl:
    """Delivery as the test says it is; remembers what it was told."""

    state: UpstreamState = UpstreamState.STEADY
    reason: str = "three successes"
    waiting: int = 0
    rate: float = 0.0
    next_canary_in: float | None = None
    told: list[str] = field(default_factory=list)

    def outlook(self) -> Outlook:
        return Outlook(self.state, 50, 7, self.waiting, 0, self.rate, self.next_canary_in)

    def upstream(self) -> UpstreamView:
        return UpstreamView(
            self.state,
            START - 90.0,
            self.reason,
            50,
            5,
            2,
            changes=(Changed(START - 90.0, "window", "40", "50", "a probe, 3603011212900000"),),
        )

    async def pause(self, reason: str) -> None:
        self.told.append(f"pause {reason}")
        self.state, self.reason = UpstreamState.PAUSED, reason

    async def resume(self) -> None:
        self.told.append("resume")
        self.state, self.reason = UpstreamState.OPEN, "resumed"

    def nudge(self) -> None:
        self.told.append("nudge")


@dataclass
class Office:
    """The listener's parts. ``client`` has no token of its own; ``get`` and ``post`` have."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    control: ScriptedControl = field(default_factory=ScriptedControl)
    clock: StillClock = field(default_factory=StillClock)
    facts: list[Fact] = field(default_factory=list)
    ready: tuple[bool, str] = (True, "ok")
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    client: Client = field(init=False)

    async def is_ready(self) -> tuple[bool, str]:
        return self.ready

    async def get(self, path: str, status: int = 200) -> Document:
        return await self._ask("GET", path, status)

    async def post(
        self, path: str, body: object = None, status: int = 200, operator: str | None = None
    ) -> Document:
        return await self._ask("POST", path, status, body, operator)

    async def _ask(
        self,
        method: str,
        path: str,
        status: int,
        body: object = None,
        operator: str | None = None,
    ) -> Document:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        if operator is not None:
            headers["Gateway-Operator"] = operator
        response = await self.client.request(
            method, f"/admin/v1/{path}", headers=headers, json=body
        )
        document: Document = await response.json(content_type=None)
        assert response.status == status, document
        return document

    async def keep(self, status: Status = Status.PENDING, *, reason: str = "http-503") -> str:
        """Keep one enrollment, accepted now, and lead it to ``status``; its id."""
        now = self.clock.now()
        enrollment_id = uuid7(now=now, rng=self.rng)
        sealed = Sealed(b"key", b"data")
        entry = Entry(
            id=enrollment_id,
            station="desk-01",
            identity=enrollment_id.encode(),
            fingerprint=b"fingerprint",
            ordering=None,
            priority=3,
            rank=now,
            accepted_at=now,
            size=612,
            envelope=sealed,
            body=sealed,
        )
        await self.journal.accept(entry, sending=False)
        if status in {Status.SENDING, Status.DELIVERED, Status.REJECTED, Status.IN_DOUBT}:
            await self.journal.begin(enrollment_id, now=now)
        if status not in {Status.PENDING, Status.SENDING}:
            due = now if status is Status.IN_DOUBT else None
            change = Change(status, reason, next_attempt_at=due)
            assert await self.journal.change(enrollment_id, change, now=now)
        return enrollment_id

    def acted(self) -> list[OperatorActed]:
        """What the log was told of operators."""
        return [fact for fact in self.facts if isinstance(fact, OperatorActed)]

    async def status_of(self, enrollment_id: str) -> Status:
        kept = await self.journal.find(enrollment_id)
        assert kept is not None
        return kept.life.status


@asynccontextmanager
async def open_office() -> AsyncIterator[Office]:
    """An office whose listener runs on a free port of the loopback."""
    office = Office()
    await office.journal.open(now=START)
    app = build_admin_app(
        journal=office.journal,
        control=office.control,
        metrics=Metrics(version="1.2.3", config_sha256="ab" * 32, clock=office.clock),
        bearer=Bearer(TOKEN),
        clock=office.clock,
        ready=office.is_ready,
        publish=office.facts.append,
        version="1.2.3",
    )
    async with TestClient(TestServer(app)) as client:
        office.client = client
        yield office
    await office.journal.close()
