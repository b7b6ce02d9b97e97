"""A recording server inside the test: real sockets, its ledger in a folder, up within a moment."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from loadtests.logs import LogWriter
from loadtests.server.control import Control
from loadtests.server.driver import Clock, Driver
from loadtests.server.http import Front
from loadtests.server.model import Model
from loadtests.server.recording import RecordingServer
from loadtests.server.serve import Door

LEDGER: Final = "ledger.jsonl"


@contextlib.asynccontextmanager
async def recorder(
    folder: Path, *, model: Model, seed: int = 1, honours_key: bool = True
) -> AsyncIterator[str]:
    """Run one on a free port; yields its URL."""
    clock = Clock()
    with LogWriter(folder / LEDGER) as ledger:
        server = RecordingServer(model, seed=seed, now=clock.now(), honours_key=honours_key)
        driver = Driver(server, clock, ledger)
        door = Door(Front(driver, Control(driver), lookup=True).answer, ("127.0.0.1", 0))
        await door.open()
        try:
            yield door.url
        finally:
            door.close()
            driver.broken.cancel()
