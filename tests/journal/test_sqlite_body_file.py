"""SQLite: the file of large bodies leaves little of itself in the system's memory."""

import ctypes
import mmap
import os
from pathlib import Path

import pytest

from gateway.journal.sqlite.bodies.file import CACHED, BodyFile

BODY = os.urandom(1024 * 1024)
PAGE = mmap.PAGESIZE


def cached(path: Path) -> int:
    """Bytes of a file that are in the system's cache (mincore(2))."""
    size = path.stat().st_size
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size) as mapped:
        pages = (ctypes.c_ubyte * -(-size // PAGE))()
        begin = (ctypes.c_char * size).from_buffer(mapped)
        libc = ctypes.CDLL(None, use_errno=True)
        done = libc.mincore(ctypes.byref(begin), ctypes.c_size_t(size), pages)
        del begin  # it holds the mapping open
        assert done == 0, os.strerror(ctypes.get_errno())
        return PAGE * sum(page & 1 for page in pages)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a file can leave memory at all: not so on a file system that is nothing but memory."""
    other = tmp_path / "other"
    other.write_bytes(BODY)
    with other.open("r+b") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if cached(other):
        pytest.skip("the temporary folder is in memory alone")
    return tmp_path / "bodies"


def grown(path: Path, *, bodies: int) -> BodyFile:
    file = BodyFile(path)
    file.grow(bodies * len(BODY))
    for number in range(bodies):
        file.write(number * len(BODY), BODY)
        file.sync()
    return file


def test_a_backlog_of_bodies_does_not_fill_the_memory(path: Path) -> None:
    file = grown(path, bodies=3 * CACHED // len(BODY))
    assert cached(path) <= CACHED
    assert all(file.read(place, len(BODY)) == BODY for place in range(0, file.size, len(BODY)))
    assert cached(path) <= CACHED + 4 * len(BODY)  # the system reads a little ahead
    file.close()


def test_a_small_file_stays_in_memory_however_often_it_is_written(path: Path) -> None:
    file = grown(path, bodies=16)
    for _ in range(CACHED // file.size):
        for place in range(0, file.size, len(BODY)):
            file.write(place, BODY)
        file.sync()
    assert cached(path) == file.size
    file.close()
