"""Ports for parts that come back on the same one."""

import contextlib
import random
import socket
from pathlib import Path
from typing import Final

_given: Final[set[int]] = set()


def free_port() -> int:
    """A port that nobody has, and that no outgoing connection will be given.

    From below the kernel's range for those: while a part is down, a connection to its port could
    else be given that very port as its own, and connect to itself.
    """
    # One that is given is kept, also while its part is down and nobody listens there.
    text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    lowest = int(text.split()[0])
    while True:
        port = random.randrange(max(lowest - 16_000, 1024), lowest)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port
