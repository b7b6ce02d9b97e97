"""The image: linted; and its steps carried out one by one, as a user that is not root."""

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.ports import free_port
from tests.acceptance.processes import ask
from tests.deployment import confined as confining
from tests.deployment.confined import HEADER
from tests.deployment.dockerfile import Stage, read
from tests.deployment.image import Builder
from tests.deployment.test_systemd import UNIT
from tests.grafana.tools import need

ROOT = Path(__file__).parents[2]
STAGES = read(ROOT / "Dockerfile")
UID = 10001


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("stage", [STAGES["gateway"], STAGES["loadtests"]], ids=lambda s: s.name)
def test_an_image_runs_as_a_number_that_is_not_root(stage: Stage) -> None:
    assert stage.last("USER").text == f"{UID}:{UID}"


def test_every_stage_stands_on_the_same_exact_python() -> None:
    assert len({stage.image for stage in STAGES.values()}) == 1
    assert [*STAGES][-1] == "gateway"


def test_an_image_that_sends_traces_differs_by_their_packages_alone() -> None:
    plain, traced = (
        set(re.findall(r"^\S+==\S+", (ROOT / f"locks/{name}.lock").read_text(), re.MULTILINE))
        for name in ("gateway", "tracing")
    )
    assert plain < traced
    assert any(each.startswith("opentelemetry-sdk==") for each in traced - plain)


def test_an_instruction_that_is_not_understood_is_not_skipped(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM python:3.11 AS one\nADD a b\n")
    with pytest.raises(ValueError, match="ADD a b"):
        read(file)


@pytest.fixture(scope="module")
def built() -> Iterator[Builder]:
    """The gateway's image as a tree that nobody can write to, but for its volume."""
    home = Path(tempfile.mkdtemp(prefix="image-"))
    root = os.getuid() == 0
    home.chmod(0o755)
    builder = Builder(home, ROOT, UID if root else None)
    if root:
        os.chown(home, UID, UID)
    try:
        builder.build(STAGES, "gateway")
        shutil.rmtree(home / "build-gateway")
        _make_read_only(builder)
        yield builder
    finally:
        subprocess.run(["chmod", "-R", "u+w", home], check=True)
        shutil.rmtree(home)


def _make_read_only(builder: Builder) -> None:
    volume = builder.root / STAGES["gateway"].last("VOLUME").text.lstrip("/")
    before = {path: path.stat().st_mode for path in (volume, builder.root / "tmp")}
    subprocess.run(["chmod", "-R", "a-w", builder.root], check=True)
    for path, mode in before.items():
        path.chmod(mode)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_gateway_starts_from_what_the_steps_made(built: Builder) -> None:
    stage = STAGES["gateway"]
    port, admin = free_port(), free_port()
    settings = {
        "ENROLLMENT_GATEWAY__UPSTREAM__URL": f"http://127.0.0.1:{free_port()}",
        "ENROLLMENT_GATEWAY__INTAKE__LISTEN": f"127.0.0.1:{port}",
        "ENROLLMENT_GATEWAY__ADMIN__LISTEN": f"127.0.0.1:{admin}",
    }
    before = _outside(built)
    process = built.popen([*stage.last("ENTRYPOINT").command, *stage.last("CMD").command], settings)
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and not _ready(admin) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert process.poll() is None, built.said()
        assert Path(f"/proc/{process.pid}").stat().st_uid == (built.uid or os.getuid())
        health = built.popen(stage.last("HEALTHCHECK").command, settings)
        assert health.wait(30) == 0, built.said()
        status, receipt = ask(
            "POST", f"http://127.0.0.1:{port}/enrollments", body={}, headers={"Prefer": "wait=0"}
        )
        assert (status, receipt["status"]) == (202, "pending")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert _outside(built) == before
    written = {path.name for path in (built.root / "var/lib/enrollment-gateway").iterdir()}
    assert {"enrollment-journal.db", "enrollment-journal.db.keys.json"} <= written


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.getuid() != 0, reason="only root makes a mount namespace: run it as root")
@pytest.mark.skipif(not HEADER.exists(), reason="numbers of system calls: install linux-libc-dev")
def test_the_gateway_works_within_all_that_the_unit_forbids(built: Builder) -> None:
    need("systemd-analyze", "systemd")
    stage = STAGES["gateway"]
    port, admin = free_port(), free_port()
    settings = {
        "ENROLLMENT_GATEWAY__UPSTREAM__URL": f"http://127.0.0.1:{free_port()}",
        "ENROLLMENT_GATEWAY__INTAKE__LISTEN": f"127.0.0.1:{port}",
        "ENROLLMENT_GATEWAY__ADMIN__LISTEN": f"127.0.0.1:{admin}",
    }
    volume = built.root / stage.last("VOLUME").text.lstrip("/")
    confined = ("/usr/bin/python3", confining.__file__, str(UNIT), str(UID), str(volume))
    command = [*stage.last("ENTRYPOINT").command, *stage.last("CMD").command]
    process = built.popen(command, settings, through=confined)
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and not _ready(admin) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert process.poll() is None, built.said()
        told = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert told["Uid"].split() == [str(UID)] * 4
        assert (told["NoNewPrivs"], told["Seccomp"], told["Threads"] > "1") == ("1", "2", True)
        assert {int(told[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        mounts = Path(f"/proc/{process.pid}/mounts").read_text().splitlines()
        modes = {line.split()[1]: line.split()[3].split(",")[0] for line in mounts}
        assert (modes["/"], modes[str(volume)]) == ("ro", "rw")
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)
        for size in (100, 100_000):  # a row, and the file of large bodies
            status, _ = ask(
                "POST",
                f"http://127.0.0.1:{port}/enrollments",
                body={"photograph": "x" * size},
                headers={"Prefer": "respond-async"},
            )
            assert status == 202, built.said()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, built.said()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _ready(admin: int) -> bool:
    with contextlib.suppress(OSError):
        return ask("GET", f"http://127.0.0.1:{admin}/readyz")[0] == 200
    return False


def _outside(built: Builder) -> dict[Path, int]:
    """Every file of the image but its volume's, and when it was changed."""
    volume = built.root / "var/lib/enrollment-gateway"
    assert stat.S_IMODE(volume.stat().st_mode) == 0o700
    return {
        path: path.lstat().st_mtime_ns
        for path in built.root.rglob("*")
        if volume not in path.parents and path != volume
    }
