"""Programs under measurement: started on one core, waited for, watched, and ended by their id.

Must not know what they are.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READY_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 15.0
_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class BenchmarkFault(Exception):
    """A figure cannot be measured; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The core that a program under measurement has to itself, and the one for everything else."""

    server: int
    rest: int

    @classmethod
    def chosen(cls) -> "Cores":
        """The first two that this process may use.

        Raises:
            BenchmarkFault: there is only one.
        """
        mine = sorted(os.sched_getaffinity(0))
        if len(mine) < 2:
            raise BenchmarkFault("two cores are needed: one for the server, one for the load")
        return cls(server=mine[0], rest=mine[1])


class Program:
    """One running program and its children."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Processor time used so far, in user and in kernel, children included."""
        return sum(_ticks(pid) for pid in self._family()) / _TICK

    def resident_bytes(self) -> int:
        """Memory resident now, children included."""
        pages = 0
        for pid in self._family():
            with suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        return pages * _PAGE

    def wait_for(self, port: int) -> None:
        """Until it listens.

        Raises:
            BenchmarkFault: it ended, or does not listen in time.
        """
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
                return
            time.sleep(0.02)
        tail = self._log.read_text("utf-8", "replace")[-800:]
        raise BenchmarkFault(f"{self.name} does not listen on port {port}. Its last words:\n{tail}")

    def end(self) -> None:
        """Ask it to end; after a while, make it."""
        self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _family(self) -> Iterator[int]:
        waiting = [self._process.pid]
        while waiting:
            pid = waiting.pop()
            yield pid
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    waiting += map(int, (task / "children").read_text("ascii").split())


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started within runs on this core, its threads and children too."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    core: int,
    folder: Path,
    port: int,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """Run a program that listens on ``port`` until the end of the block.

    Raises:
        BenchmarkFault: the port is taken, or the program does not come up.
    """
    refuse_busy(port)
    log = folder / f"{name}.log"
    with log.open("ab") as out, pinned(core):
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {})},
        )
    program = Program(name, process, log)
    try:
        program.wait_for(port)
        yield program
    finally:
        program.end()


def bare(module: str, *arguments: object) -> list[str]:
    """The command of one of the little programs in ``benchmarks.bare``."""
    program = Path(__file__).parent / "bare" / f"{module}.py"
    return [sys.executable, str(program), *map(str, arguments)]


def answering(port: int, *, core: int, folder: Path) -> AbstractContextManager[Program]:
    """Run the bare recording server, which answers everything at once."""
    return running("upstream", bare("upstream", port), core=core, folder=folder, port=port)


def told(command: Sequence[str], *, core: int) -> dict[str, float]:
    """Run a program on a core to its end; what it says in its last line, as JSON.

    Raises:
        BenchmarkFault: it failed.
    """
    root = str(Path(__file__).parent.parent)
    with pinned(core):
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    if done.returncode:
        raise BenchmarkFault(f"{' '.join(command[:4])} failed:\n{done.stderr[-800:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def free_port() -> int:
    """A port of loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_busy(port: int) -> None:
    """Measure nobody else's server.

    Raises:
        BenchmarkFault: somebody listens on this port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise BenchmarkFault(
                f"port {port} is taken; end what listens there, or let the benchmark choose"
            ) from None
