"""A real file system of a few megabytes: a tmpfs, mounted for a test. It needs root."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """``folder``, made and mounted with so much room; without root the test is skipped, loudly."""
    folder.mkdir()
    size = f"size={megabytes}m,mode=0700"
    mount = shutil.which("mount")
    mounted = (
        mount is not None
        and not subprocess.run(
            [mount, "-t", "tmpfs", "-o", size, "none", str(folder)],
            capture_output=True,
            check=False,
        ).returncode
    )
    if not mounted:
        if os.environ.get("CI") == "true":
            pytest.fail("a small disk cannot be mounted: run the tests as root, allowed to mount")
        pytest.skip("a small disk cannot be mounted without root: a full disk is NOT tried here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write a file until nothing more fits; unlink it to give the space back."""
    file = folder / "filler"
    with file.open("ab", buffering=0) as out, contextlib.suppress(OSError):
        for size in (1 << 16, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    out.write(bytes(size))
    return file
