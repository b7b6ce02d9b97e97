"""Two runs of these tests at once do not give their parts each other's ports."""

import subprocess
import sys

from tests.acceptance.ports import BLOCK, free_port

# What is free to another run: it takes all that it can get, one of each block.
LEFT = f"""
from itertools import islice
from tests.acceptance import ports
print(*islice(ports.ports(), 0, None, {BLOCK}))
"""


def test_another_run_is_given_none_of_the_ports_of_this_one() -> None:
    mine = {free_port() for _ in range(BLOCK + 1)}
    told = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, check=True)
    starts = [int(port) for port in told.stdout.split()]
    assert starts
    assert not mine & {port for start in starts for port in range(start, start + BLOCK)}
    assert len(mine) == BLOCK + 1
