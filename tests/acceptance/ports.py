"""Ports for parts that come back on the same one."""

import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

BLOCK: Final = 250
_claims: Final[list[socket.socket]] = []


def ports() -> Iterator[int]:
    """Each once, from blocks that no other run of tests on this machine has.

    A run keeps its blocks until it ends: while a part of it is down and nobody listens on its port,
    another run would else give that port to a part of its own, and stations would ask the wrong
    gateway. A name in the kernel (an abstract socket) holds a block, and goes with the process.
    """
    text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    lowest = int(text.split()[0])
    starts = list(range(max(lowest - 16_000, 1024), lowest - BLOCK + 1, BLOCK))
    random.SystemRandom().shuffle(starts)
    for start in starts:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0enrollment-gateway-tests-{start}")
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        yield from range(start, start + BLOCK)


_free: Final = ports()


def free_port() -> int:
    """A port that nobody has, and that no outgoing connection will be given.

    From below the kernel's range for those: while a part is down, a connection to its port could
    else be given that very port as its own, and connect to itself.
    """
    for port in _free:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is left: other runs of these tests have them all")
