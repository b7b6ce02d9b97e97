"""A simulated server on a real socket, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from loadtests import logs
from loadtests.server.faults import parse_text
from loadtests.server.model import Model
from loadtests.server.recording import RecordingServer
from loadtests.server.serve import serve


@dataclass
class Running:
    """A server that runs: where it listens, what it wrote, and a client."""

    url: str
    control: str
    ledger: Path
    session: ClientSession
    task: "asyncio.Task[None]"

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def effects(self) -> list[logs.Recorded]:
        return [r for r in logs.read_ledger(self.ledger) if isinstance(r, logs.Recorded)]

    async def state(self) -> dict[str, Any]:
        async with self.session.get(f"{self.control}/_server/state") as answer:
            data: dict[str, Any] = await answer.json()
            return data

    async def post(self, body: bytes = b"x", path: str = "/e", **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.post(self.url + path, data=body, headers=named) as answer:
            return answer.status, await answer.json()

    async def add_fault(self, **fault: object) -> None:
        async with self.session.post(f"{self.control}/_server/fault", json=fault) as answer:
            assert (answer.status, await answer.json()) == (200, {"added": 1})


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a server: faults as text, figures of the model by name; it stops with the test."""
    running: list[Running] = []

    async def _start(
        *faults: str,
        honours_key: bool = True,
        lookup: bool = True,
        ledger: logs.LogWriter | None = None,
        **figures: Any,  # noqa: ANN401 - any figure of the model
    ) -> Running:
        plain: dict[str, Any] = {"workers": 50, "service_seconds": 0.002, "cv": 0}
        listening: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
        path = tmp_path / "ledger.jsonl"
        served = serve(
            lambda now: RecordingServer(
                Model(**plain | figures),
                seed=1,
                now=now,
                honours_key=honours_key,
                faults=tuple(parse_text(fault) for fault in faults),
            ),
            listen=("127.0.0.1", 0),
            control_listen=("127.0.0.1", 0),
            ledger=ledger or logs.LogWriter(path),
            lookup=lookup,
            announce=lambda *urls: listening.set_result(urls),
        )
        task = asyncio.ensure_future(served)
        urls = await listening
        running.append(Running(*urls, path, ClientSession(), task))
        return running[-1]

    yield _start
    for server in running:
        await server.session.close()
        server.task.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await server.task
