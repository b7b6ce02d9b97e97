"""Gateways forked from a process that has imported them: the same program, up at once.

Where a test needs many. The interpreter's start and the imports are all that is saved.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final

_PROGRAM: Final = ("-m", "gateway")
_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "gateway.__main__",
        "gateway.cli.apart",
        "gateway.cli.app",
        "gateway.config.loading",
        "gateway.wiring",
    ]
)
# A process's end can be read once: starting one looks at all the others, too.
_looking: Final = threading.Lock()


class Forked:
    """A process, with as much of ``subprocess.Popen`` as the tests use."""

    def __init__(
        self, command: Sequence[str], log: Path, environ: Mapping[str, str], *, cwd: Path
    ) -> None:
        program, arguments = tuple(command[:2]), tuple(command[2:])
        assert program == _PROGRAM, "nothing else is imported there"
        self._process = _CONTEXT.Process(
            target=_run, args=(arguments, str(log), dict(environ), str(cwd)), daemon=True
        )
        with _looking:
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        with _looking:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("a forked gateway", timeout or 0.0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _run(arguments: tuple[str, ...], log: str, environ: dict[str, str], cwd: str) -> None:
    """In the child: become what the command line would have started."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for standard in (1, 2):
        os.dup2(out, standard)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["enrollment-gateway", *arguments]

    from gateway.__main__ import main  # noqa: PLC0415 - imported before the fork

    main()
