"""`python -m tests.faults.with_hosts FILE -m MODULE …`: run it with FILE as its /etc/hosts.

In a mount namespace of its own, so it needs root. FILE may be written anew while it runs.
"""

import os
import sys
from typing import NoReturn

import pytest


def skip() -> NoReturn:
    """Where that is not allowed."""
    if os.environ.get("CI") == "true":
        pytest.fail("no mount namespace can be made: run the tests as root, allowed to mount")
    pytest.skip("no mount namespace can be made without root: other addresses are NOT tried here")


if __name__ == "__main__":
    file, *command = sys.argv[1:]
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    os.execvp(  # noqa: S606 - the shell is told what it runs, word by word
        "unshare", ("unshare", "--mount", "sh", "-c", script, file, sys.executable, *command)
    )
