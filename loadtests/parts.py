"""Programs started for a run: each has a log, is waited for, and is stopped by its own id.

Knows nothing of what the programs do.
"""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiohttp

READY_SECONDS = 30.0
GRACE_SECONDS = 20.0
LOOK_SECONDS = 0.1
TAIL_LINES = 15

T = TypeVar("T")


class PartError(RuntimeError):
    """A program did not start, or ended too early; the text holds the end of its log."""


class Part:
    """One program: started, killed and started again, stopped."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        cwd: Path | None,
        environment: Mapping[str, str],
    ) -> None:
        """Know how it is started; `running` does it."""
        self.name = name
        self.log = log
        self._command = command
        self._cwd = cwd
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._killed = False

    @property
    def pid(self) -> int:
        """Its process id; 0 before its start."""
        return 0 if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def has_failed(self) -> bool:
        """Whether it has ended by itself."""
        return not self.is_running and not self._killed

    async def start(self) -> None:
        """Start it, out of reach of the terminal's Ctrl-C; its log goes on."""
        with self.log.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._cwd,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
        self._killed = False

    async def kill(self) -> None:
        """End it as a power cut would; that it is gone now is no failure."""
        self._killed = True
        if self._process is not None and self.is_running:
            self._process.kill()
            await self._process.wait()

    async def ready(self, probe: Callable[[], Awaitable[T | None]]) -> T:
        """Wait until `probe` answers something.

        Raises:
            PartError: the program ended, or said nothing for `READY_SECONDS`.
        """
        for _ in range(int(READY_SECONDS / LOOK_SECONDS)):
            found = await probe()
            if found is not None:
                return found
            if self._process is not None and not self.is_running:
                raise self.failed(f"ended with exit code {self._process.returncode}")
            await asyncio.sleep(LOOK_SECONDS)
        raise self.failed(f"was not ready within {READY_SECONDS:.0f} seconds")

    def failed(self, what: str) -> PartError:
        """An error that shows the end of the program's log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n".join(f"  {line}" for line in lines[-TAIL_LINES:]) or "  (it said nothing)"
        return PartError(f"The {self.name} {what}. The end of {self.log}:\n{tail}")

    async def stop(self) -> None:
        """Ask it to end; after `GRACE_SECONDS` end it."""
        if self._process is None or not self.is_running:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def running(
    name: str,
    command: Sequence[str],
    log: Path,
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Part]:
    """Run a program until the end of the block."""
    part = Part(name, command, log, cwd, environment or {})
    await part.start()
    try:
        yield part
    finally:
        await asyncio.shield(part.stop())


async def fetch(session: aiohttp.ClientSession, url: str) -> str | None:
    """The text at `url`, or None where there is none (yet)."""
    try:
        async with session.get(url) as response:
            return await response.text() if response.status == 200 else None
    except (aiohttp.ClientError, TimeoutError):
        return None


def free_address() -> str:
    """HOST:PORT on loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        return f"{host}:{port}"
