"""Every command of the README is run, as a reader would, one block after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.ports import free_port

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^ *```sh\n(.*?)^ *```$", README, re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"^make (\S+)$", re.MULTILINE)
PORTS = ("8000", "8080", "9090")


def a_session(folder: Path) -> str:
    """The blocks as one script: free ports for the usual ones, and no make within make."""
    lines = ["set -e", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT", "set -x"]
    for block in BLOCKS:
        lines += [line.strip() for line in block.splitlines() if not MAKE.match(line.strip())]
    script = "\n".join(lines).replace(". .venv/bin/activate", "")
    for port in PORTS:
        script = re.sub(rf"\b{port}\b", str(free_port()), script)
    (folder / "session.sh").write_text(script)
    return script


@pytest.mark.slow
def test_the_commands_of_the_readme_do_what_it_says(tmp_path: Path) -> None:
    script = a_session(tmp_path)
    admin = free_port()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "ENROLLMENT_GATEWAY__ADMIN__LISTEN": f"127.0.0.1:{admin}",
        "ENROLLMENT_GATEWAY__INTAKE__LISTEN": re.findall(r"http://(127\.0\.0\.1:\d+)/enr", script)[
            0
        ],
    }
    done = subprocess.run(
        ["bash", "session.sh"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-6000:]
    assert done.stdout.count("HTTP/1.1 201 Created") == 2
    assert "Idempotency-Replayed: true" in done.stdout
    assert done.stdout.count("HTTP/1.1 202 Accepted") == 2
    assert done.stdout.count('"status": "delivered"') == 2


def test_the_make_targets_of_the_readme_exist() -> None:
    targets = set(MAKE.findall("\n".join(BLOCKS))) | {"season"}
    assert {"demo", "test"} <= targets
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
