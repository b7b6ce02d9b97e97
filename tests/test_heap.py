"""The memory of large bodies: what is free is kept a while, and then it goes back."""

import subprocess
import sys

import pytest

from gateway.heap import KEPT_BYTES, unfilled

WAVE = """
import asyncio
from gateway.heap import _resident, give_back_later, keep_freed
async def main():
    looking = asyncio.ensure_future(give_back_later(lambda: print('also'), every=0.5))
    await asyncio.sleep(0)
    before = _resident()
    wave = [bytearray(1 << 20) for _ in range(96)]
    above = bytearray(1 << 20)  # so that what lies below it is not the heap's top
    full = _resident()
    del wave
    left = _resident()
    await asyncio.sleep(0.8)
    print(full - before, left - before, _resident() - before, looking.done())
keep_freed()
asyncio.run(main())
"""


def test_what_a_wave_of_bodies_leaves_goes_back_in_the_end() -> None:
    done = subprocess.run([sys.executable, "-c", WAVE], capture_output=True, check=True, text=True)
    also, *sizes, ended = done.stdout.split()
    assert also == "also"
    full, left, later = (int(each) for each in sizes)
    assert full > 96 << 20
    assert left > KEPT_BYTES
    assert later < 8 << 20
    assert ended == "False", "it looks on"


@pytest.mark.parametrize("size", [0, 1, 16, 1 << 20])
def test_what_is_not_filled_yet_has_its_size_and_can_be_written(size: int) -> None:
    room = unfilled(size)
    assert type(room) is bytearray
    assert len(room) == size
    room[:] = bytes(size)
    assert room == bytes(size)
    room += b"more"
    assert room == bytes(size) + b"more"
