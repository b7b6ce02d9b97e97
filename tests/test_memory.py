"""A process that serves leaves no copy of its memory behind."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.acceptance.processes import Gateway

NO_CORE = "Max core file size        0                    0                    bytes"


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
