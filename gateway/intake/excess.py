"""What comes of a connection beside the body in hand, and how much of it is too much. Pure.

Requests that come before their turn are held, parsed or not, and what frames a body's chunks is
read for nothing. Neither is bounded by the size of a body. Must not know sockets.
"""

from typing import Final, Protocol

MOST_AHEAD: Final = 65_536
"""Of heads that are not complete yet, or not yet taken in hand; a station needs a few hundred
bytes."""

MOST_FRAMING: Final = 65_536
FRAMING_PER_BYTE: Final = 8
"""What chunks' sizes and extensions may take: so much, and so many times what they carry (RFC 9112,
section 7.1.1). One byte a chunk takes five times its own."""


class Body(Protocol):
    """A body on its way: how many bytes of its content have come."""

    total_bytes: int


class Excess:
    """Counts for one connection."""

    __slots__ = ("_ahead", "_body", "_on_wire")

    def __init__(self) -> None:
        self._ahead = 0
        self._body: Body | None = None
        self._on_wire = 0

    def caught_up(self) -> None:
        """Nothing is ahead any more."""
        self._ahead = 0

    def is_too_far_ahead(self, size: int) -> bool:
        """So many more bytes came of requests that are not in hand: whether it is too much."""
        self._ahead += size
        return self._ahead > MOST_AHEAD

    def is_too_much_framing(self, body: Body, size: int) -> bool:
        """So many more bytes came of a body, with what frames it: whether that is too much."""
        if self._body is not body:
            self._body, self._on_wire = body, 0
        self._on_wire += size
        return self._on_wire > MOST_FRAMING + (1 + FRAMING_PER_BYTE) * body.total_bytes
