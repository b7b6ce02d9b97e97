"""SQLite: the file of large bodies alone: what of it is durable when, and what stays in memory."""

import ctypes
import errno
import mmap
import os
from collections.abc import Callable
from functools import partial
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


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was synced, in order: the names of files."""
    names: list[str] = []

    def noting(sync: Callable[[int], None]) -> Callable[[int], None]:
        def note(handle: int) -> None:
            names.append(Path(f"/proc/self/fd/{handle}").readlink().name)
            sync(handle)

        return note

    monkeypatch.setattr(os, "fsync", noting(os.fsync))
    monkeypatch.setattr(os, "fdatasync", noting(os.fdatasync))
    return names


def test_a_new_file_and_its_name_are_durable_before_anything_is_in_it(
    tmp_path: Path, synced: list[str]
) -> None:
    file = BodyFile(tmp_path / "bodies")
    file.grow(4096)
    assert synced == ["bodies", tmp_path.name]
    file.grow(8192)
    assert synced == ["bodies", tmp_path.name]  # it has its name
    file.close()


def test_what_grew_must_be_synced_as_what_is_written_must(
    tmp_path: Path, synced: list[str]
) -> None:
    file = BodyFile(tmp_path / "bodies")
    steps: list[Callable[[], None]] = [partial(file.grow, 4096), file.sync]
    steps += [partial(file.write, 0, b"body"), file.sync]
    found = []
    for step in steps:
        step()
        found.append(file.unsynced)
    assert found == [True, False, True, False]
    assert synced[2:] == ["bodies", "bodies"]
    file.close()


def test_a_cut_is_durable(tmp_path: Path, synced: list[str]) -> None:
    file = BodyFile(tmp_path / "bodies")
    file.grow(8192)
    file.cut(8192)
    assert len(synced) == 2  # there is nothing to cut
    file.cut(4096)
    assert synced[2:] == ["bodies"]
    assert (file.size, (tmp_path / "bodies").stat().st_size) == (4096, 4096)
    file.close()


@pytest.mark.parametrize(("place", "length"), [(-1, 2), (4095, 2), (4096, 1), (1 << 60, 1)])
def test_a_place_that_is_not_in_the_file_holds_nothing(
    tmp_path: Path, place: int, length: int
) -> None:
    file = BodyFile(tmp_path / "bodies")
    file.grow(4096)
    with (tmp_path / "bodies").open("ab") as end:
        end.write(b"more")  # a crash left it there
    assert file.read(place, length) == b""
    assert file.read(4095, 1) == bytes(1)
    file.close()


def test_growth_that_the_disk_refuses_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = BodyFile(tmp_path / "bodies")
    file.grow(4096)
    file.sync()

    def half(handle: int, place: int, _length: int) -> None:
        os.ftruncate(handle, place + 4096)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", half)
    with pytest.raises(OSError, match="No space"):
        file.grow(1 << 20)
    assert (file.size, (tmp_path / "bodies").stat().st_size) == (4096, 4096)
    assert not file.unsynced
    file.close()
