"""How often someone may ask: a token bucket.

Must not know who asks. It holds one second's worth, and at least one, so that an even rate up to
the limit is never refused and a burst is, at its end.
"""


class Bucket:
    """Full when made. Times are monotonic seconds."""

    def __init__(self, *, per_second: float, now: float) -> None:
        self._per_second = per_second
        self._most = max(per_second, 1.0)
        self._left = self._most
        self._at = now

    def take(self, *, now: float) -> float:
        """Take one, and answer 0; or take nothing, and answer after how many seconds to ask."""
        self._left = min(self._most, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._per_second
        self._left -= 1.0
        return 0.0
