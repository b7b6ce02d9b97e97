"""Memory that begins at the beginning of a page: the disk takes it as it is (open(2), O_DIRECT).

Must not know what is in it.
"""

import ctypes
from typing import Final, TypeAlias

from gateway.arena import ARENA
from gateway.heap import unfilled

PAGE: Final = 4096
"""Bytes; no page of memory and no block of a disk that is usual is larger."""
Bytes: TypeAlias = bytes | bytearray | memoryview


def aligned(size: int) -> memoryview:
    """Room for ``size`` bytes, at the beginning of a page, with whatever stood there."""
    huge = ARENA.take(size)
    if huge is not None:
        return huge
    room = unfilled(size + PAGE - 1)
    before = -_address(room) % PAGE
    return memoryview(room)[before : before + size]


def is_aligned(data: Bytes) -> bool:
    """Whether it lies there. What cannot be written to is not asked: it is made elsewhere."""
    view = memoryview(data)
    return not view.readonly and _address(view) % PAGE == 0


def _address(room: bytearray | memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(room))
