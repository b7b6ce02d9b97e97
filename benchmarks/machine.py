"""The machine that a result was measured on, described without naming it."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def described() -> dict[str, str]:
    """Processor, memory, kernel, versions, and how busy it was when asked."""
    return {
        "processor": f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 1e6:.0f} GB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "parts": ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "apsw")),
        "load": f"{os.getloadavg()[0]:.1f} programs wanted a core, on average over a minute",
    }


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
