"""A real gateway under load, recorded: what it did to its files, what it told stations.

Skips where strace is missing; fails in CI.
"""

import asyncio
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from loadtests.logs import Recorded, read_ledger
from loadtests.server.model import Model
from tests.acceptance.processes import PLAIN, Gateway
from tests.faults import strace, traced
from tests.faults.events import Event, Said
from tests.faults.recorder import LEDGER, recorder

STORE: Final = "journal.db"
"""What the path of every file of the journal has in it."""
STATIONS: Final = 48
PATIENCE: Final = 240.0
_ANSWER: Final = re.compile(
    rb"HTTP/1\.[01] (\d{3}) .*?\r\nGateway-Receipt: ([0-9a-f-]{36})\r\n", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One run of a gateway, from an empty folder to its kill.

    Attributes:
        folder: where it ran; paths of events are in it.
        config: its configuration.
        events: what it did, in order.
        sent: for each key the SHA-256 of the body that its station sent.
        recorded: the keys that the server recorded.
    """

    folder: Path
    config: Path
    events: list[Event]
    sent: dict[str, str]
    recorded: frozenset[str]


@dataclass(frozen=True, slots=True)
class Told:
    """What a station was told of an enrollment: where it stands (a receipt), or an answer."""

    receipt: str
    status: int
    stands: str | None


def told(event: Event) -> Told | None:
    """What an event told a station; None: nothing that promises anything."""
    if not isinstance(event, Said) or not event.data.startswith(b"HTTP/1."):
        return None
    head, _, body = event.data.partition(b"\r\n\r\n")
    if b"application/json" in head and body.startswith(b'{"id"'):
        document = json.loads(body)
        return Told(document["id"], int(head[9:12]), document["status"])
    found = _ANSWER.match(head + b"\r\n")
    return None if found is None else Told(found[2].decode(), int(found[1]), None)


async def record(
    folder: Path,
    *,
    count: int,
    most_bytes: int,
    waves: int = 1,
    launcher: Sequence[str] = PLAIN,
) -> Recording:
    """Run a gateway under strace, a crowd at its door and a server behind it; kill it.

    Between ``waves`` what waits can be delivered.
    """
    if shutil.which("strace") is None:
        assert os.environ.get("CI") != "true", "strace is missing: install it"
        pytest.skip("strace is missing: install it")
    trace = folder / "trace"
    async with recorder(folder, model=Model(workers=8, service_seconds=0.005)) as url:
        with Gateway(folder, url, {"intake.hold_seconds": 1}) as gateway:
            await asyncio.to_thread(gateway.start, ("-m", traced.__name__, str(trace), *launcher))
            sent = await asyncio.wait_for(_crowd(gateway.url, count, most_bytes, waves), PATIENCE)
            process = gateway.running.process.pid
            gateway.kill()
            await _until_whole(trace, process)
    events = strace.read(trace, re.compile(re.escape(f"{folder}/") + f".*{re.escape(STORE)}"))
    trace.unlink()
    ledger = read_ledger(folder / LEDGER)
    return Recording(
        folder=folder,
        config=gateway.config,
        events=events,
        sent=sent,
        recorded=frozenset(str(event.key) for event in ledger if isinstance(event, Recorded)),
    )


async def _crowd(url: str, count: int, most_bytes: int, waves: int) -> dict[str, str]:
    """Stations that send one after the other, most content with a receipt; some look at theirs."""
    rng = random.Random("crowd")
    bodies = {
        f"key-{number}": rng.randbytes(rng.randint(500, most_bytes)) for number in range(count)
    }
    ready = iter(bodies.items())
    receipts: list[str] = []

    async def station(session: aiohttp.ClientSession, waiting: Iterator[tuple[str, bytes]]) -> None:
        for key, body in waiting:
            headers = {"Idempotency-Key": key}
            if rng.random() < 0.8:
                headers["Prefer"] = "respond-async"
            async with session.post("/enrollments", data=body, headers=headers) as answer:
                await answer.read()
                assert answer.status < 300, answer.status
                receipts.append(answer.headers["Gateway-Receipt"])

    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as session:
        for _ in range(waves):
            wave = itertools.islice(ready, count // waves)
            await asyncio.gather(*(station(session, wave) for _ in range(STATIONS)))
            await asyncio.sleep(1.0)  # a quiet moment, in which the log may be written back
        for receipt in rng.sample(receipts, len(receipts) // 5):
            async with session.get(f"/_gateway/receipts/{receipt}") as answer:
                await answer.read()
    return {key: hashlib.sha256(body).hexdigest() for key, body in bodies.items()}


async def _until_whole(trace: Path, process: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not strace.has_ended(trace, process):
        assert time.monotonic() < deadline, "the trace did not end"
        await asyncio.sleep(0.05)
