"""SQLite: the file of large bodies alone: what comes back, what is durable when, what it costs."""

import ctypes
import errno
import fcntl
import mmap
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gateway.journal.aligned import Bytes, aligned
from gateway.journal.sqlite.bodies.file import ROOM, BodyFile

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
        file.write([(number * len(BODY), BODY)])
        file.sync()
    return file


def read(file: BodyFile, place: int, length: int) -> bytes:
    into = aligned(-(-length // PAGE) * PAGE)
    file.read(place, [into])
    return bytes(into[:length])


def in_place(data: bytes) -> memoryview:
    """The same bytes, from where they need not be copied."""
    room = aligned(len(data))
    room[:] = data
    return room


def test_a_backlog_of_bodies_fills_no_memory_when_it_is_written_nor_when_it_is_read(
    path: Path,
) -> None:
    file = grown(path, bodies=16)
    assert all(read(file, place, len(BODY)) == BODY for place in range(0, file.size, len(BODY)))
    assert cached(path) == 0
    file.close()


@pytest.mark.parametrize("past_the_cache", [True, False])
def test_bodies_of_any_length_come_back_as_they_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, past_the_cache: bool
) -> None:
    if not past_the_cache:
        monkeypatch.setattr("gateway.journal.sqlite.bodies.file._PAST_THE_CACHE", 0)
    file = BodyFile(tmp_path / "bodies")
    lengths = (1, PAGE - 1, PAGE, PAGE + 1, ROOM - PAGE - 1, ROOM, ROOM + 1, 3 * ROOM - 7)
    bodies: dict[int, bytes] = {}
    given: list[tuple[int, Bytes]] = []
    place = PAGE
    for number, length in enumerate(6 * lengths):
        bodies[place] = body = os.urandom(length)
        given.append((place, body if number % 3 else in_place(body)))
        # Every second one has the next right behind it.
        place += -(-length // PAGE) * PAGE + (PAGE if number % 2 else 0)
    file.grow(place)
    file.write([(at, os.urandom(len(body))) for at, body in bodies.items()])
    file.write(given)
    assert [read(file, at, len(body)) for at, body in bodies.items()] == [*bodies.values()]
    assert read(file, PAGE, PAGE)[1:] == bytes(PAGE - 1), "the rest of a block is emptied"
    assert read(file, 0, PAGE) == bytes(PAGE), "nobody wrote there"
    file.close()


def test_what_lies_at_the_beginning_of_a_page_is_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[int] = []
    pwritev = os.pwritev

    def noting(handle: int, parts: list[memoryview], place: int) -> int:
        copied.extend(len(part) for part in parts if part.obj is file._room.obj)
        return pwritev(handle, parts, place)

    file = BodyFile(tmp_path / "bodies")
    file.grow(4 * len(BODY))
    monkeypatch.setattr(os, "pwritev", noting)
    file.write([(0, in_place(BODY[:-1])), (len(BODY), in_place(BODY))])
    assert copied == [PAGE], "the end of the first, to fill its block"
    file.close()


def test_a_write_that_stops_half_way_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwritev = os.pwritev

    def half(handle: int, parts: list[memoryview], place: int) -> int:
        size = max(sum(len(part) for part in parts) // 2 // PAGE, 1) * PAGE
        first = [parts[0][: min(size, len(parts[0]))]]
        return pwritev(handle, first, place)

    file = BodyFile(tmp_path / "bodies")
    file.grow(4 * len(BODY))
    monkeypatch.setattr(os, "pwritev", half)
    file.write([(0, in_place(BODY)), (len(BODY), BODY), (2 * len(BODY), BODY[:5])])
    assert [read(file, number * len(BODY), len(BODY)) for number in (0, 1)] == [BODY, BODY]
    assert read(file, 2 * len(BODY), 5) == BODY[:5]
    file.close()


def test_a_disk_whose_blocks_are_larger_is_used_through_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwritev = os.pwritev

    def refusing(handle: int, parts: list[memoryview], place: int) -> int:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return pwritev(handle, parts, place)

    file = BodyFile(tmp_path / "bodies")
    file.grow(PAGE)
    monkeypatch.setattr(os, "pwritev", refusing)
    file.write([(0, b"body")])
    assert read(file, 0, 4) == b"body"
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
    steps += [partial(file.write, [(0, b"body")]), file.sync]
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
    assert not file.holds(place, length)
    assert file.holds(4095, 1)
    file.close()


def test_bodies_side_by_side_are_read_in_one_call_that_may_stop_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = grown(tmp_path / "bodies", bodies=3)
    asked: list[int] = []
    preadv = os.preadv

    def half(handle: int, rooms: list[memoryview], place: int) -> int:
        asked.append(len(rooms))
        size = sum(map(len, rooms)) // 2 // PAGE * PAGE or PAGE
        return preadv(handle, [memoryview(rooms[0])[:size]], place)

    monkeypatch.setattr(os, "preadv", half)
    rooms = [aligned(len(BODY)) for _ in range(3)]
    file.read(0, rooms)
    file.close()
    assert [bytes(room) for room in rooms] == [BODY] * 3
    assert asked[0] == 3


def test_what_a_file_that_was_cut_lacks_does_not_come(tmp_path: Path) -> None:
    file = BodyFile(tmp_path / "bodies")
    file.grow(4 * PAGE)
    file.write([(PAGE, b"x" * 3 * PAGE)])
    os.truncate(tmp_path / "bodies", 2 * PAGE + 5)
    assert read(file, PAGE, 3 * PAGE) == b"x" * (PAGE + 5) + bytes(2 * PAGE - 5)
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
