"""The disk alone: overwrites a file from its start again and again, or reads it, part by part."""

import argparse
import json
import mmap
import os
import time
from pathlib import Path

FILE_BYTES = 256 * 1024 * 1024


def overwrite(path: Path, *, part: int, seconds: float) -> float:
    """Bytes per second, written over blocks that the file has already, each part synced."""
    block = os.urandom(part)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _fill(handle, block)
        written, at, began = 0, 0, time.monotonic()
        while (took := time.monotonic() - began) < seconds:
            written += os.pwrite(handle, block, at)
            os.fdatasync(handle)
            at = at + part if at + 2 * part <= FILE_BYTES else 0
        return written / took
    finally:
        os.close(handle)


def read(path: Path, *, part: int, seconds: float) -> float:
    """Bytes per second, read past the system's cache in parts of whole pages."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(handle).st_size < FILE_BYTES:
            _fill(handle, os.urandom(part))
    finally:
        os.close(handle)
    room = mmap.mmap(-1, part)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        came, at, began = 0, 0, time.monotonic()
        while (took := time.monotonic() - began) < seconds:
            came += os.preadv(handle, [room], at)
            at = at + part if at + 2 * part <= FILE_BYTES else 0
        return came / took
    finally:
        os.close(handle)


def _fill(handle: int, block: bytes) -> None:
    """Write the file once, durably."""
    for start in range(0, FILE_BYTES, len(block)):
        os.pwrite(handle, block, start)
    os.fsync(handle)


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("part", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--read", action="store_true")
    given = parser.parse_args()
    measure = read if given.read else overwrite
    rate = measure(given.path, part=given.part, seconds=given.seconds)
    print(json.dumps({"bytes_per_second": rate}))
