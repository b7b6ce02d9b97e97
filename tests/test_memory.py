"""A process that serves leaves no copy of its memory behind."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.entries import entry
from gateway.journal.sqlite import SqliteJournal
from tests.acceptance.processes import Gateway

NO_CORE = "Max core file size        0                    0                    bytes"

MOST_MB = 75
"""Measured: 65 MB with an empty journal, 69 with one of 30 MB or more. Each of what was taken out
(the configuration's checker, a page cache of 32 MB, a start's leavings) would bring 10 or more."""


@pytest.mark.parametrize("waiting", [0, 4000])
def test_a_gateway_is_small_whatever_waits(tmp_path: Path, waiting: int) -> None:
    with Gateway(tmp_path, "http://127.0.0.1:9") as gateway:
        gateway.start()
        if waiting:
            gateway.stop()
            asyncio.run(_fill(gateway.journal, waiting))
            gateway.start()
        resident = _resident_mb(gateway.running.process.pid)
        assert gateway.stop() == 0
    assert resident < MOST_MB


async def _fill(path: Path, count: int) -> None:
    journal = SqliteJournal(path)
    await journal.open(now=time.time())
    try:
        for _ in range(0, count, 500):
            await asyncio.gather(*(journal.accept(entry(8192), sending=False) for _ in range(500)))
    finally:
        await journal.close()


def _resident_mb(pid: int) -> float:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )
    return int(line.split()[1]) * 1024 / 1e6


def test_a_gateway_that_crashes_writes_no_core(tmp_path: Path) -> None:
    with Gateway(tmp_path, "http://127.0.0.1:9") as gateway:
        gateway.start()
        process = gateway.running.process
        proc = Path("/proc") / str(process.pid)
        limits = (proc / "limits").read_text().splitlines()
        assert any(line.rstrip() == NO_CORE for line in limits), limits
        process.send_signal(signal.SIGABRT)
        assert process.wait(10) == -signal.SIGABRT
        assert not list(tmp_path.glob("core*"))


def test_no_other_program_is_handed_its_memory_either() -> None:
    asks = (
        "import ctypes; from gateway.memory import forbid_dumps; get = ctypes.CDLL(None).prctl;"
        "print(get(3, 0, 0, 0, 0)); forbid_dumps(); print(get(3, 0, 0, 0, 0))"
    )
    told = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["1", "0"]


def test_what_is_there_from_the_start_is_never_looked_through_again() -> None:
    looked = (
        "import gc; from gateway.memory import collect_seldom; collect_seldom();"
        "print(len(gc.get_objects()) < 100, gc.get_freeze_count() > 1000, gc.get_threshold()[0])"
    )
    done = subprocess.run([sys.executable, "-c", looked], capture_output=True, check=True)
    assert done.stdout.split() == [b"True", b"True", b"10000"]


_BODIES_COME_AND_GO = """
import resource
from gateway.memory import use_again

use_again()
for turn in range(20):
    bodies = [b"x" * (1024 * 1024 + each) for each in range(8)]
    del bodies
    if turn == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_the_next_bodies_come_into_the_memory_of_the_last() -> None:
    """Else each of their pages, 2,000 in a turn, is asked of the system anew."""
    ran = subprocess.run(
        [sys.executable, "-c", _BODIES_COME_AND_GO], check=True, capture_output=True, text=True
    )
    assert int(ran.stdout) < 2000
