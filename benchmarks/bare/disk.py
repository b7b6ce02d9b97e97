"""The disk alone: overwrites a file from its start again and again, with a sync after each part."""

import json
import os
import sys
import time
from pathlib import Path

FILE_BYTES = 256 * 1024 * 1024


def overwrite(path: Path, *, part: int, seconds: float) -> float:
    """Bytes per second, written over blocks that the file has already, each part synced."""
    block = os.urandom(part)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for start in range(0, FILE_BYTES, part):
            os.pwrite(handle, block, start)
        os.fsync(handle)
        written, at, began = 0, 0, time.monotonic()
        while (took := time.monotonic() - began) < seconds:
            written += os.pwrite(handle, block, at)
            os.fdatasync(handle)
            at = at + part if at + 2 * part <= FILE_BYTES else 0
        return written / took
    finally:
        os.close(handle)


def sync_seconds(path: Path, *, count: int) -> list[float]:
    """How long a sync of one page takes."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    found = []
    try:
        os.pwrite(handle, bytes(1 << 20), 0)
        os.fsync(handle)
        for number in range(count):
            os.pwrite(handle, os.urandom(4096), 4096 * number)
            began = time.monotonic()
            os.fdatasync(handle)
            found.append(time.monotonic() - began)
    finally:
        os.close(handle)
    return found


if __name__ == "__main__":
    rate = overwrite(Path(sys.argv[1]), part=int(sys.argv[2]), seconds=float(sys.argv[3]))
    print(json.dumps({"bytes_per_second": rate}))
