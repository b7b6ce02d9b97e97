"""A clock that stands still until it is told to go on."""


class ManualClock:
    """Both clocks of ``gateway.clock.Clock``, moved by hand. Seconds."""

    def __init__(self, *, wall: float = 1_795_482_123.456, monotonic: float = 1_000.0) -> None:
        self._wall = wall
        self._monotonic = monotonic

    def now(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._wall += seconds
        self._monotonic += seconds
