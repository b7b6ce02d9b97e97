"""Memory for large bodies: nobody's place is another's, and what nobody holds goes back."""

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.arena import SIZE, Arena
from gateway.journal.aligned import PAGE, aligned, is_aligned

MB = 1 << 20
THP = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.fixture
def arena() -> Arena:
    return Arena()


@given(st.lists(st.tuples(st.integers(1, MB // 4), st.integers(0, 40)), max_size=40))
def test_what_is_held_keeps_its_bytes_whatever_comes_and_goes(steps: list[tuple[int, int]]) -> None:
    arena, held = Arena(), list[tuple[int, memoryview]]()
    for number, (size, place) in enumerate(steps):
        if held and number % 3 == 2:
            held.pop(place % len(held))
        room = arena.take(size)
        if room is None:
            continue
        assert len(room) == size
        assert is_aligned(room)
        room[:] = bytes([number]) * size
        held.append((number, room))
    for number, room in held:
        assert room == bytes([number]) * len(room)
    expected = sum(-(-len(room) // PAGE) * PAGE for _, room in held)
    assert arena.held == expected


def test_any_part_keeps_it_taken_and_the_last_gives_it_back(arena: Arena) -> None:
    room = arena.take(10_000)
    assert room is not None
    part = room[5000:]
    del room
    assert arena.held == 12_288
    part.release()
    del part
    assert arena.held == 0


def test_what_finds_no_place_is_not_served_here(arena: Arena) -> None:
    all_of_it = arena.take(SIZE)
    assert all_of_it is not None
    assert arena.take(1) is None
    del all_of_it
    assert arena.take(SIZE + 1) is None
    assert arena.take(0) is None
    assert arena.take(SIZE) is not None


@pytest.mark.parametrize("size", [0, 1, 100_000, SIZE + 1])
def test_aligned_memory_is_had_whatever_its_size(size: int) -> None:
    room = aligned(size)
    assert len(room) == size
    assert not size or is_aligned(room)


def test_threads_take_and_let_go_at_once(arena: Arena) -> None:
    wrong = list[int]()

    def work(number: int) -> None:
        for _ in range(300):
            room = arena.take(40_000)
            if room is None:
                continue
            room[:] = bytes([number]) * 40_000
            if bytes(room) != bytes([number]) * 40_000:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    assert not wrong
    assert arena.held == 0


RESIDENT = """
from gateway.arena import SIZE, Arena
from gateway.heap import _resident
arena = Arena()
before = _resident()
kept, wave = arena.take(3 << 20), arena.take(40 << 20)
reserved = _resident()
kept[:] = b"k" * len(kept)
wave[:] = bytes(len(wave))
full = _resident()
del wave
arena.give_back()
print(reserved - before, full - before, _resident() - before, kept == b"k" * len(kept))
"""


def test_what_nobody_holds_is_resident_no_more_and_the_rest_is_as_it_was() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RESIDENT], capture_output=True, check=True, text=True
    )
    *sizes, as_it_was = done.stdout.split()
    reserved, full, later = (int(each) for each in sizes)
    assert reserved < MB
    assert full > 42 * MB
    assert later < 7 * MB
    assert as_it_was == "True"


HUGE = """
from pathlib import Path
from gateway.arena import Arena
room = Arena().take(32 << 20)
room[:] = bytes(len(room))
lines = Path("/proc/self/smaps").read_text().splitlines()
print(sum(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages")))
"""


def test_it_is_in_huge_pages_where_the_system_has_them() -> None:
    done = subprocess.run([sys.executable, "-c", HUGE], capture_output=True, check=True, text=True)
    has_them = THP.exists() and "[never]" not in THP.read_text()
    assert int(done.stdout) >= (28 * 1024 if has_them else 0), "KB"
