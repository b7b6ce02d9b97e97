"""A real admin listener on a free port, over a journal in memory, for commands to talk to."""

import asyncio
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from gateway.admin.app import build_admin_app
from gateway.admin.token import Bearer
from gateway.cli.app import app
from gateway.clock import SystemClock
from gateway.core.admission import Changed, Outlook, UpstreamView
from gateway.core.facts import UpstreamState
from gateway.core.ids import uuid7
from gateway.core.lifecycle import Status
from gateway.journal.contract import Change, Entry, Sealed
from gateway.journal.memory import MemoryJournal
from gateway.observe.metrics import Metrics

TOKEN = "made-up-admin-token"
NIK = "3603012501900000"
CLOCK = SystemClock()


@dataclass
class FakeControl:
    """A dispatcher that only remembers what it was told."""

    paused: str | None = None
    calls: list[str] = field(default_factory=list)

    def outlook(self) -> Outlook:
        state = UpstreamState.PAUSED if self.paused else UpstreamState.STEADY
        return Outlook(state, window=8, outstanding=3, waiting=120, live_waiting=0, rate=4.0)

    def upstream(self) -> UpstreamView:
        state = self.outlook().state
        changes = (
            Changed(CLOCK.now(), "window", "6", "8", "back from the probe"),
            Changed(CLOCK.now(), "state", "slow_start", "steady", "as high as is remembered"),
        )
        return UpstreamView(state, CLOCK.now(), self.paused or "", 8, 3, 1, changes=changes)

    async def pause(self, reason: str) -> None:
        self.paused = reason

    async def resume(self) -> None:
        self.paused = None

    def nudge(self) -> None:
        self.calls.append("nudge")


@dataclass
class Lab:
    """A running admin listener, what stands behind it, and a way to type commands at it."""

    url: str
    loop: asyncio.AbstractEventLoop
    journal: MemoryJournal
    control: FakeControl
    ready: bool = True

    def keep(self, status: Status = Status.PENDING, *, station: str = "desk") -> str:
        """One more enrollment of this status; its id."""
        return asyncio.run_coroutine_threadsafe(self._keep(status, station), self.loop).result(5)

    def type(self, *words: str, token: str = TOKEN) -> Result:
        """Run a command against this listener."""
        environ = {"ENROLLMENT_GATEWAY_ADMIN_TOKEN": token}
        return CliRunner().invoke(app, [*words, "--admin", self.url], env=environ)

    async def _keep(self, status: Status, station: str) -> str:
        now = CLOCK.now()
        made = uuid7(now=now, rng=random.Random())
        sealed = Sealed(b"key", b"secret packet")
        entry = Entry(
            id=made,
            station=station,
            identity=made.encode(),
            fingerprint=b"f",
            ordering=None,
            priority=3,
            rank=now,
            accepted_at=now - 7200,
            size=600_000,
            envelope=sealed,
            body=sealed,
        )
        await self.journal.accept(entry, sending=False)
        if status is not Status.PENDING:
            await self.journal.change(made, Change(status, "too-old"), now=now)
        return made


@pytest.fixture
def lab() -> Iterator[Lab]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner, made = asyncio.run_coroutine_threadsafe(_start(loop), loop).result(5)
    yield made
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


async def _start(loop: asyncio.AbstractEventLoop) -> tuple[web.AppRunner, Lab]:
    journal, control = MemoryJournal(), FakeControl()
    await journal.open(now=CLOCK.now())
    made = Lab("", loop, journal, control)

    async def ready() -> tuple[bool, str]:
        return made.ready, "ok" if made.ready else "the journal is full"

    built = build_admin_app(
        journal=journal,
        control=control,
        metrics=Metrics(version="1", config_sha256="0" * 64, clock=CLOCK),
        bearer=Bearer(TOKEN),
        clock=CLOCK,
        ready=ready,
        publish=lambda _fact: None,
        version="1",
    )
    runner = web.AppRunner(built)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    return runner, made
