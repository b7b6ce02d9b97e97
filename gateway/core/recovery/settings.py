"""What an operator may set about the window. Must not know where settings come from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterSettings:
    """Bounds of the window, in outstanding attempts.

    Attributes:
        max_window: hard cap.
        min_window: while the server is up the window shrinks no further, but for a probe.
        initial_window: where slow start begins if nothing is known: enough for ordinary live load,
            and a handful from which no server falls over.
    """

    max_window: int = 256
    min_window: int = 2
    initial_window: int = 6

    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        if not 1 <= self.min_window <= self.max_window:
            raise ValueError(
                f"min_window {self.min_window} must be between 1 and max_window {self.max_window}"
            )
