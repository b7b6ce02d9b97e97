"""Lets the disk begin with what was written, while the processor goes on; a hint, no promise.

Theory: a sync that finds everything still in memory waits for the disk from the first byte to the
last. One that finds the disk at work already waits for the rest alone (sync_file_range(2)).
Nothing is durable by it: that comes with the sync, which also tells of every error, as this call
waits for nothing and so takes none away.
"""

import ctypes
from typing import Final

_WRITE: Final = 2  # SYNC_FILE_RANGE_WRITE
_call = getattr(ctypes.CDLL(None), "sync_file_range", None)  # Linux alone has it
if _call is not None:
    _call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def start_writeback(handle: int, place: int, length: int) -> None:
    """Begin with ``length`` bytes at ``place`` of an open file, where the system can."""
    if _call is not None:
        _call(handle, place, length, _WRITE)
