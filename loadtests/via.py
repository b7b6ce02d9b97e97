"""What stands between the stations and the recording server: the gateway, or nothing.

Starts a gateway by its command, like any user; never imports it.
"""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from loadtests.parts import Part, fetch, free_address, running
from loadtests.stations import HABITS

VIAS = tuple(HABITS)


@dataclass(frozen=True, slots=True)
class Way:
    """Where stations send to; `metrics` and `part` where there is a gateway of ours to watch."""

    url: str
    metrics: str | None = None
    part: Part | None = None


@asynccontextmanager
async def gateway(
    session: aiohttp.ClientSession,
    upstream: str,
    folder: Path,
    settings: Mapping[str, str | int | float | bool],
) -> AsyncIterator[Way]:
    """Run `python -m gateway serve` on a journal of its own in `folder` (absolute)."""
    listen, admin = free_address(), free_address()
    command = [sys.executable, "-m", "gateway", "serve"]
    command += ["--upstream", upstream, "--listen", listen, "--admin-listen", admin]
    command += ["--journal", f"sqlite:///{folder / 'journal.db'}"]
    async with running(
        "gateway",
        command,
        folder / "gateway.log",
        cwd=folder,
        environment={_variable(key): str(value) for key, value in settings.items()},
    ) as part:
        await part.ready(lambda: fetch(session, f"http://{admin}/readyz"))
        yield Way(f"http://{listen}", f"http://{admin}/metrics", part)


def _variable(key: str) -> str:
    """The environment variable of a setting: `intake.hold_seconds` is in two parts."""
    return "ENROLLMENT_GATEWAY__" + key.upper().replace(".", "__")
