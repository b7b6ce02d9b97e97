"""File descriptors: take all that the kernel allows, and keep some from the stations."""

import resource
from typing import Final

# Those that stations may not take: for the journal, the server, operators.
_RESERVED: Final = 512


def room_for_connections(wanted: int) -> int:
    """Take all descriptors that are allowed; how many of the connections wanted they are good for.

    The usual soft limit of 1024 is for programs that use select(2); this one does not.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, most - min(_RESERVED, most // 2))
