"""This process's memory: kept to itself (it holds bodies, keys and tokens), small, swept seldom."""

import contextlib
import ctypes
import gc
import resource
import sys
from collections.abc import Iterator
from typing import Final

_PR_SET_DUMPABLE: Final = 4
# What mallopt(3) calls them, in numbers.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT_BYTES: Final = 48 * 1024 * 1024  # free at the top of the heap: some bodies of the largest
_MAPPED_FROM_BYTES: Final = 32 * 1024 * 1024  # the most that glibc takes


def forbid_dumps() -> None:
    """From now on no crash writes this memory to a disk, and no other process may read it.

    A limit of 0 stops a core file, and asks a collector such as systemd-coredump to keep none.
    A kernel that pipes dumps to a program does so whatever the limit is, except for a process
    that is not dumpable (prctl(2), core(5)).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):  # no such call: another kernel than Linux
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """Within, nothing loads these: for a library that takes what it finds only to look better.

    None in ``sys.modules`` makes an import fail (Python's reference, section 5.3.1).
    """
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def collect_seldom() -> None:
    """Look for cycles seldom, and never among what is there from the start.

    Nearly everything of a request goes by its last reference. At Python's usual thresholds a tenth
    of the processor went into looking through what stays. A hundred requests or so lie between two
    looks, which bounds what a body in a cycle can hold back.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def use_again() -> None:
    """Take the next body into the memory of the last; call it before there are threads.

    Otherwise glibc gives what a large body took back to the system at once, and the system has to
    find, clear and map each of its pages anew: a quarter of the processor time of a delivery of
    1 MB. And each thread would keep free memory of its own, of which no other takes.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def give_back() -> None:
    """Give the system what the start took and no longer needs: a large journal's is some 50 MB.

    The allocator keeps what is free below its top unless it is told (malloc_trim(3), glibc).
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
