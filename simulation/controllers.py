"""What the simulation drives: the gateway's limiter, and common limits written plainly.

Must not know the server. A baseline knows slots and samples as the gateway's limiter does. A failed
attempt of a baseline comes back after a backoff with full jitter, and keeps its slot meanwhile: the
kindest reading, since it never has more in hand than its limit.
"""

from typing import Protocol

from gateway.core.recovery.state import Sample


class Controller(Protocol):
    """Decides how many attempts may be outstanding."""

    backs_off: bool
    """A failed attempt keeps its slot for a backoff; False: the controller does without."""

    @property
    def window(self) -> int:
        """How many may be outstanding now."""
        ...

    def free(self, *, now: float) -> int:
        """How many may start now."""
        ...

    def start(self, attempt: str, *, now: float) -> None:
        """One starts."""
        ...

    def finish(self, attempt: str, sample: Sample, *, now: float) -> object:
        """One ended."""
        ...

    def next_wakeup(self) -> float | None:
        """When ``free`` may grow by time alone."""
        ...
