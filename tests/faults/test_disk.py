"""The model of a disk is as hard as a real one may be, and no harder; and what strace wrote."""

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.disk import Disk
from tests.faults.events import Cut, Event, Linked, Made, Removed, Renamed, Said, Synced, Wrote
from tests.faults.strace import Unreadable, read

A, B = "/d/a", "/d/b"
MADE: list[Event] = [Made(A), Synced(A, 1), Synced("/d", 2)]


def states(events: Sequence[Event]) -> list[dict[str, bytes]]:
    """What may be found after these, by 300 seeds."""
    disk = Disk()
    for event in events:
        disk.follow(event)
    return [disk.after_power_loss(random.Random(seed)) for seed in range(300)]


def test_what_was_synced_is_there() -> None:
    events: list[Event] = [*MADE, Wrote(A, 0, b"x" * 5000), Synced(A, 4)]
    assert all(found == {A: b"x" * 5000} for found in states(events))


def test_what_was_not_synced_is_there_or_not_or_in_part() -> None:
    found = [state[A] for state in states([*MADE, Wrote(A, 0, b"x" * 5000)])]
    assert {b"", b"x" * 5000} <= set(found)
    assert any(0 < each.count(b"x") < 5000 for each in found)
    assert all(set(each) <= set(b"x\0") for each in found)


def test_a_later_write_may_be_there_without_an_earlier_one() -> None:
    found = states([*MADE, Wrote(A, 0, b"1" * 4096), Wrote(A, 4096, b"2" * 4096)])
    assert any(b"2" * 4096 in state[A] and b"1" not in state[A] for state in found)


def test_a_sync_covers_only_what_was_written_before_it_began() -> None:
    events: list[Event] = [*MADE, Wrote(A, 0, b"1"), Wrote(A, 1, b"2"), Synced(A, 4)]
    found = {state[A] for state in states(events)}
    assert found == {b"1", b"12"}


def test_a_cut_that_was_not_synced_may_not_have_happened() -> None:
    events: list[Event] = [*MADE, Wrote(A, 0, b"xyz"), Synced(A, 4), Cut(A, 0)]
    assert {state[A] for state in states(events)} == {b"xyz", b""}


def test_a_name_is_sure_once_its_directory_is_synced() -> None:
    made: list[Event] = [Made(A), Wrote(A, 0, b"x"), Synced(A, 2)]
    assert {tuple(state) for state in states(made)} == {(), (A,)}
    assert all(state == {A: b"x"} for state in states([*made, Synced("/d", 3)]))


@pytest.mark.parametrize("move", [Renamed(B, A), Linked(B, A)])
def test_a_file_that_is_replaced_is_the_old_one_or_the_new(move: Event) -> None:
    old: list[Event] = [*MADE, Wrote(A, 0, b"old"), Synced(A, 4)]
    new: list[Event] = [Made(B), Wrote(B, 0, b"new"), Synced(B, 7), move, Removed(B)]
    found = states([*old, *new])
    assert {state[A] for state in found} == {b"old", b"new"}
    assert all(state[A] == b"new" for state in states([*old, *new, Synced("/d", 10)]))


def hexed(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def lines(*calls: str) -> str:
    return "\n".join(calls) + "\n"


FILE, OTHER, SOCKET = hexed("/d/journal.db"), hexed("/etc/other"), hexed("socket:[7]")
TRACE = lines(
    f'7  openat(AT_FDCWD</d>, "{FILE}", O_RDWR|O_CREAT, 0600) = 3<{FILE}>',
    f'7  openat(AT_FDCWD</d>, "{OTHER}", O_RDWR|O_CREAT, 0600) = 4<{OTHER}>',
    f'7  pwrite64(3<{FILE}>, "{hexed("page")}", 4, 4096) = 4',
    f'7  pwritev2(3<{FILE}>, [{{iov_base="{hexed("one ")}", iov_len=4}},'
    f' {{iov_base="{hexed("two")}", iov_len=3}}], 2, 12288, 0) = 7',
    f"8  fdatasync(3<{FILE}> <unfinished ...>",
    f'7  pwrite64(3<{FILE}>, "{hexed("late")}", 4, 8192 <unfinished ...>',
    "7  <... pwrite64 resumed>) = 4",
    "8  <... fdatasync resumed>) = 0",
    f'7  write(5<{SOCKET}>, "{hexed("HTTP/1.1 202")}", 12) = 12',
    f"8  fsync(3<{FILE}>) = -1 EIO (Input/output error)",
    f"8  sync_file_range(3<{FILE}>, 0, 4096, SYNC_FILE_RANGE_WRITE) = 0",
    f"7  ftruncate(3<{FILE}>, 512) = 0",
    f'7  unlink("{FILE}") = -1 ENOENT (No such file or directory)',
    "7  +++ exited with 0 +++",
)


def test_a_trace_is_read(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text(TRACE)
    path = "/d/journal.db"
    assert read(trace, re.compile("journal")) == [
        Made(path),
        Wrote(path, 4096, b"page"),
        Wrote(path, 12288, b"one two"),
        Wrote(path, 8192, b"late"),
        Synced(path, began=3),
        Said(b"HTTP/1.1 202"),
        Cut(path, 512),
    ]


def test_a_call_that_cannot_be_replayed_is_not_passed_over(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text(lines(f"7  fallocate(3<{FILE}>, FALLOC_FL_PUNCH_HOLE, 0, 4096) = 0"))
    with pytest.raises(Unreadable, match="fallocate"):
        read(trace, re.compile("journal"))
