"""How long the long trials are: short for every day, whole for `make faults-long`."""

import os
from dataclasses import dataclass
from typing import Final

WHOLE: Final = "ENROLLMENT_FAULTS_WHOLE"
"""Environment variable: set to 1, nothing is shortened."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Figures of the trials that can be made longer.

    Attributes:
        kills: seeds of kill -9 at a failpoint.
        images: disks as a power loss may leave them.
        stopped_seconds: how long a process stands still.
        outage_seconds: how long the server is down.
        look_seconds: over which a rate of deliveries is measured; 0: not at all.
        described: all of it, for the reader of the table.
    """

    kills: int
    images: int
    stopped_seconds: float
    outage_seconds: float
    look_seconds: float
    described: str


_SHORT: Final = Effort(20, 50, 3.0, 5.0, 0.0, "short form (`make faults`)")
_LONG: Final = Effort(500, 500, 60.0, 300.0, 30.0, "whole form (`make faults-long`)")


def effort() -> Effort:
    """What the environment asks for."""
    return _LONG if os.environ.get(WHOLE) == "1" else _SHORT
