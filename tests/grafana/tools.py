"""Programs that a few tests need: missing, a test is skipped on a laptop and fails in CI."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "grafana"


def need(name: str, package: str) -> str:
    """The program's path."""
    found = shutil.which(name)
    if found is None:
        assert os.environ.get("CI") != "true", f"CI needs {name} (Debian: apt install {package})"
        pytest.skip(f"{name} is not installed (Debian: apt install {package})")
    return found


def run(*command: str, cwd: Path = ROOT, timeout: float = 60) -> str:
    """Run it to its end, which must be good; what it said."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=timeout
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-4000:]
    return told
