"""This process's memory: kept to itself (it holds bodies, keys and tokens), small, swept seldom."""

import contextlib
import ctypes
import gc
import resource
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PR_SET_DUMPABLE: Final = 4
_MADV_DONTNEED: Final = 4  # madvise(2)


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


@contextlib.contextmanager
def without_authorities() -> Iterator[None]:
    """Within, a TLS context that is made by default trusts nobody: a megabyte less for each.

    For a library that makes one when it is loaded, whether it is ever used or not. Used, it refuses
    every server.
    """
    load = ssl.SSLContext.load_default_certs
    ssl.SSLContext.load_default_certs = _nobody  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        ssl.SSLContext.load_default_certs = load  # type: ignore[method-assign]


def _nobody(context: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
    """In the place of ``load_default_certs``."""


def collect_seldom() -> None:
    """Look for cycles seldom, and never among what is there from the start.

    Nearly everything of a request goes by its last reference. At Python's usual thresholds a tenth
    of the processor went into looking through what stays. A hundred requests or so lie between two
    looks, which bounds what a body in a cycle can hold back.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def give_back() -> None:
    """Give the system what the start took and no longer needs: a large journal's is some 50 MB.

    The allocator keeps what is free below its top unless it is told (malloc_trim(3), glibc).
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library, or another kernel
        library = ctypes.CDLL(None)
        library.malloc_trim(0)
        for start, length in _code():
            library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), _MADV_DONTNEED)


def _code() -> Iterator[tuple[int, int]]:
    """Where code from files lies that nobody has changed: starts and lengths.

    Most of it ran at the start alone, and is a sixth of what is resident. It is let go; what runs
    again comes back from the system's cache of the file. What somebody had written there would not
    come back, so that where anything was (a debugger's doing) is left out.
    """
    start = length = 0
    with Path("/proc/self/smaps").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, *words = line.split()
            if not name.endswith(":"):
                first, last = (int(bound, 16) for bound in name.split("-"))
                of_a_file = words[0] == "r-xp" and "/" in words[-1]
                start, length = first, (last - first if of_a_file else 0)
            elif name == "Anonymous:" and words[0] == "0" and length:
                yield start, length
