"""A thin line: what a desk sends leaves it at so many bits a second, one packet after the other.

A gevent room. Knows no HTTP.
"""

from collections.abc import Iterator

import gevent
from gevent.lock import BoundedSemaphore

PART_SECONDS = 0.25
"""How long one part of a packet takes: often enough that no server thinks the line silent."""


class Uplink:
    """One desk's line. Hold `line` while sending."""

    def __init__(self, bits_per_second: float) -> None:
        """A line that carries so much."""
        self._bytes_per_second = bits_per_second / 8
        self.line = BoundedSemaphore(1)

    def parts(self, body: bytes) -> Iterator[bytes]:
        """The body in parts, each after the time that the one before it took to leave."""
        size = max(1, int(self._bytes_per_second * PART_SECONDS))
        for start in range(0, len(body), size):
            part = body[start : start + size]
            yield part
            gevent.sleep(len(part) / self._bytes_per_second)
