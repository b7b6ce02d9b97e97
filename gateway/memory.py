"""This process's memory: kept to itself (it holds bodies, keys and tokens), and swept seldom."""

import contextlib
import ctypes
import gc
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def forbid_dumps() -> None:
    """From now on no crash writes this memory to a disk, and no other process may read it.

    A limit of 0 stops a core file, and asks a collector such as systemd-coredump to keep none.
    A kernel that pipes dumps to a program does so whatever the limit is, except for a process
    that is not dumpable (prctl(2), core(5)).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):  # no such call: another kernel than Linux
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def collect_seldom() -> None:
    """Look for cycles seldom, and never among what is there from the start.

    Nearly everything of a request goes by its last reference. At Python's usual thresholds a tenth
    of the processor went into looking through what stays. A hundred requests or so lie between two
    looks, which bounds what a body in a cycle can hold back.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
