"""The memory of large bodies: taken as it is, kept a while when it is free, and given back.

Must not know what a body is. All of it is glibc's; with another C library nothing is tuned.
"""

import asyncio
import contextlib
import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

KEPT_BYTES: Final = 32 * 1024 * 1024
"""So much may be free at the heap's top before half of it goes back to the system.

The allocator's own bound moves with the largest body that was freed. So each wave of bodies was
given back and faulted in again page by page, which cost as much as sealing them did.
"""

LOOK_SECONDS: Final = 10.0
WORTH_BYTES: Final = 4 * 1024 * 1024

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # mallopt(3)
_MOST_MMAP_THRESHOLD: Final = 32 * 1024 * 1024

_new_bytearray = ctypes.pythonapi.PyByteArray_FromStringAndSize
_new_bytearray.argtypes = [ctypes.c_char_p, ctypes.c_ssize_t]
_new_bytearray.restype = ctypes.py_object


def unfilled(size: int) -> bytearray:
    """Of this size, with whatever stood there: for who fills all of it before anyone reads it.

    Zeroes that are written over at once go through the memory once more: 50 us for 1 MB, where
    other bodies have pushed it out of the processor's cache.
    """
    return cast("bytearray", _new_bytearray(None, size))


def keep_freed() -> None:
    """From now on keep ``KEPT_BYTES`` of what was freed, and take no body from the system alone."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _MOST_MMAP_THRESHOLD)
        library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        library.mallopt(_M_TOP_PAD, KEPT_BYTES // 2)


async def give_back_later(also: Callable[[], None], *, every: float = LOOK_SECONDS) -> None:
    """Give back what is free, again and again: what a wave of bodies leaves does not stay.

    ``also`` does so for memory that is not the heap's.

    Under load this takes some milliseconds in ten seconds, and nothing where nothing has grown.
    It never ends, not even where it can do nothing.
    """
    least = _resident()
    while True:
        await asyncio.sleep(every)
        now = _resident()
        if now > least + WORTH_BYTES:
            also()
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).malloc_trim(0)
            now = _resident()
        least = now


def _resident() -> int:
    """Bytes of this process in memory (proc(5), statm); 0 where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
