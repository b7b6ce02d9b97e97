"""`serve` in two processes: one reads the command line and ends, the other serves.

Theory: what reads a command line, checks a configuration and prints help (typer, rich, pydantic)
is a quarter of what a gateway would hold in memory for months. So a child does that, hands the
settings on through a pipe, and ends; this process, whose number the supervisor knows, never loads
any of it. Every other command, and every fault, ends with the child and its exit code.
"""

import os
import pickle
import sys
from typing import TYPE_CHECKING, NoReturn

from gateway.cli.serving import serve

if TYPE_CHECKING:
    from gateway.config import Settings


def read_and_serve() -> int:
    """Read the command line apart, then serve here; returns the exit code."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _read(writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            handed = pipe.read()
    except KeyboardInterrupt:  # the child was interrupted, too, and says so
        handed = b""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0 or not handed:
        return code if code >= 0 else 128 - code
    return serve(pickle.loads(handed))  # noqa: S301 - from this program, a moment ago


def _read(writing: int) -> NoReturn:
    """In the child: run the command line, hand the settings on where they are asked for, end."""

    def hand_on(settings: "Settings") -> int:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps(settings))
        return 0

    code = 1
    try:
        from gateway.cli.app import app

        app(obj=hand_on)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - it must not go on as the parent does
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
