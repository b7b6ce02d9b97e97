"""What stands between the stations and the recording server: the gateway, a proxy, or nothing.

Starts each by its command, like any user; never imports the gateway.
"""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from loadtests.parts import Part, fetch, free_address, running
from loadtests.peers import PEERS, Peer, Told
from loadtests.server.model import Model

VIAS = ("gateway", "direct", *PEERS)


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
        environment={variable(key): str(value) for key, value in settings.items()},
    ) as part:
        await part.ready(lambda: fetch(session, f"http://{admin}/readyz"))
        yield Way(f"http://{listen}", f"http://{admin}/metrics", part)


@asynccontextmanager
async def proxy(
    session: aiohttp.ClientSession, peer: Peer, upstream: str, folder: Path, server: Model
) -> AsyncIterator[Way]:
    """Run a proxy that is told what `server` bears; its files go into `folder`.

    It is ready when the server's `/health` can be read through it.

    Raises:
        PeerError: the program is not installed.
    """
    told = Told(
        listen=free_address(),
        upstream=upstream.removeprefix("http://"),
        folder=folder / peer.name,
        at_once=server.knee or server.workers,
        per_second=server.workers / server.service_seconds,
    )
    own = {name: str(told.folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    command, log = peer.command(told), folder / f"{peer.name}.log"
    async with running(peer.name, command, log, cwd=told.folder, environment=own) as part:
        await part.ready(lambda: fetch(session, f"http://{told.listen}/health"))
        yield Way(f"http://{told.listen}", part=part)


def variable(key: str) -> str:
    """The environment variable of a setting: `intake.hold_seconds` is in two parts."""
    return "ENROLLMENT_GATEWAY__" + key.upper().replace(".", "__")
