"""Paused: an operator, or a fault that hits every enrollment alike, stopped delivery.

Nothing starts; what is outstanding ends in peace. Leaving goes through a canary, since nobody
knows how the server is by then. Must not know why it is paused beyond the text it was given.
"""

from typing import Final

from gateway.core.facts import UpstreamState
from gateway.core.recovery.state import Move, Sample


class Paused:
    """No delivery until resumed, or until its time is over."""

    name: Final = UpstreamState.PAUSED
    window: Final = 0

    def __init__(self, reason: str, *, until: float | None = None) -> None:
        """Make it. ``until``: monotonic seconds at which a canary may ask again by itself."""
        self.reason = reason
        self._until = until

    def at_once(self, *, now: float) -> int:  # noqa: ARG002 - the protocol's shape
        """None."""
        return 0

    def observe(
        self,
        sample: Sample,  # noqa: ARG002 - as above
        *,
        full: bool,  # noqa: ARG002 - as above
        running: int,  # noqa: ARG002 - as above
        now: float,  # noqa: ARG002 - as above
    ) -> Move | None:
        """What ends while paused decides nothing."""
        return None

    def moved(self, window: int, *, now: float) -> None:
        """It never moves."""

    def next_wakeup(self) -> float | None:
        """When a canary may ask again; None: only a person ends this pause."""
        return self._until

    def __repr__(self) -> str:
        return f"<Paused: {self.reason}>"
