"""Who types the command, as far as this machine knows."""

import getpass
import socket

_MOST = 64


def who() -> str:
    """For the audit: the user's name and the machine's."""
    from gateway.core.masking import mask

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return mask(f"{user} on {socket.gethostname()}")[:_MOST]
