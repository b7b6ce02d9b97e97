"""The servers on which controllers are compared, and the ways they change. Figures only."""

from typing import Final

from loadtests.server.model import Model
from simulation.drive import Change

FIRST_SEED: Final = 100  # of the page: the controller was made with others
SECONDS: Final = 165.0  # of a run, after the server's return
_AT: Final = 75.0  # seconds after the return at which it changes


def server(workers: int, seconds: float, cliff: int, *, cv: float = 0.3) -> Model:
    """A server that falls over above ``cliff`` outstanding, for a minute."""
    return Model(
        workers=workers, service_seconds=seconds, cv=cv, collapse_at=cliff, down_seconds=60.0
    )


SERVERS: Final = {
    "10 workers, 0.2 s, cliff 15": server(10, 0.2, 15),
    "32, 0.5 s, 48": server(32, 0.5, 48),
    "50, 0.1 s, 80": server(50, 0.1, 80),
    "50, 0.1 s, 80, cv 1.5": server(50, 0.1, 80, cv=1.5),
    "12, 1 s, 20": server(12, 1.0, 20),
    "200, 0.05 s, 400": server(200, 0.05, 400),
}

CHANGES: Final = {
    "half the workers": Change(after=_AT, workers_factor=0.5),
    "half the pace": Change(after=_AT, service_factor=2.0),
    "twice the workers": Change(after=_AT, workers_factor=2.0),
    "twice the pace": Change(after=_AT, service_factor=0.5),
    "half the workers, for a minute": Change(after=_AT, workers_factor=0.5, lasts=60.0),
    "a brownout": Change(after=_AT, service_factor=4.0, refused=0.1, lasts=90.0),
}
"""Half the workers keep the cliff; twice the workers have twice the cliff. Pace: service time.

In a brownout each takes four times as long and a tenth is turned away; then all is as it was.
"""
