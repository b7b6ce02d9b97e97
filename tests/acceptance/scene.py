"""A scene: a recording server, a gateway, a surge of stations; and the verdict on what they logged.

The verdict is made from the two logs alone, by code that shares nothing with the gateway.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.verdict import Verdict, judge
from tests.acceptance.processes import PLAIN, Gateway, Json, RecordingServer
from tests.acceptance.stations import Surge

UNDELIVERED = ("pending", "sending", "in_doubt")
# Nothing at all may go out twice blindly to a server like this one.
FORGETFUL_SERVER = ("--ignore-keys",)
FORGETFUL = {
    "upstream.honours_idempotency_key": False,
    "upstream.lookup_path": "/enrollments/by-key/{key}",
    "upstream.settle_seconds": 0.5,
}


@dataclass
class Scene:
    """The parts, and the folder with their logs."""

    folder: Path
    server: RecordingServer
    gateway: Gateway

    def start(self, launcher: Sequence[str] = PLAIN) -> None:
        """Start the gateway, and wait until both are there: they come up side by side."""
        self.gateway.launch(launcher)
        self.server.until_listening()
        self.gateway.until_ready()

    def surge(self, count: int, rate: float, **how: Any) -> Surge:  # noqa: ANN401 - as in Surge
        """Stations that send to the gateway."""
        return Surge(self.gateway.url, self.folder, count, rate, **how)

    async def drained(self, seconds: float = 60.0) -> Json:
        """Wait until nothing is left to deliver; the reconciliation then."""
        deadline = time.monotonic() + seconds
        while True:
            found = await asyncio.to_thread(self.gateway.reconciliation)
            if not any(found[status] for status in UNDELIVERED):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not drained in {seconds} s: {found}")
            await asyncio.sleep(0.2)

    def verdict(self) -> Verdict:
        """The judgement on the whole scene."""
        return judge(self.folder)


@contextlib.contextmanager
def scene(
    folder: Path,
    *,
    server: Sequence[str] = (),
    settings: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Scene]:
    """A server that comes up and a gateway that is not started; at the end both are gone."""
    with (
        RecordingServer(folder, *server) as recording,
        Gateway(folder, recording.url, settings, environ=environ) as gateway,
    ):
        yield Scene(folder, recording, gateway)


@contextlib.asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, None], *, seconds: float) -> Any:  # noqa: ANN401
    """Let ``work`` go on within the context, and come to its end after it."""
    task = asyncio.create_task(work)
    try:
        yield task
        await asyncio.wait_for(task, seconds)
    finally:
        task.cancel()


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold"
        await asyncio.sleep(0.05)


def harm(verdict: Verdict) -> dict[str, int]:
    """Each kind of harm that was found, and how many enrollments it hit."""
    return {finding.kind: finding.count for finding in verdict.findings if finding.count}
