"""A request's body as it comes in: digested and sealed part by part, copied as little as can be.

Theory: a body that is gathered first and then read once more for its digest, and again for its
seal, goes through the memory each time; a part that has just come is still in the processor's
cache. So each part is digested and sealed soon, in the place where it was put; it is kept in the
clear as well only where somebody will send it on.

Must not know how it comes, or what it is.
"""

import hashlib

from gateway.heap import unfilled
from gateway.journal.body_seal import BodySeal


class Packet:
    """One body.

    Attributes:
        size: bytes that have come.
        plain: the bytes; None if they are not kept.
        seal: what was sealed on the way; None for a body that came in one piece.
    """

    __slots__ = ("_digest", "plain", "seal", "size")

    def __init__(self, expected: int, *, sealed: bool, kept: bool) -> None:
        """Nothing has come yet.

        Args:
            expected: bytes that will come; more may. With fewer it must not be used.
            sealed: digest and seal it.
            kept: have it in ``plain`` at the end.
        """
        self.size = 0
        self.plain: bytes | bytearray | None = unfilled(expected) if kept else None
        self.seal = BodySeal(expected) if sealed else None
        self._digest = hashlib.sha256() if sealed else None

    @classmethod
    def whole(cls, body: bytes) -> "Packet":
        """One that came in one piece."""
        packet = cls(0, sealed=False, kept=False)
        packet.size, packet.plain = len(body), body
        return packet

    def digest(self) -> "hashlib._Hash":
        """SHA-256 of what has come."""
        return self._digest or hashlib.sha256(self.plain or b"")

    def room(self) -> memoryview:
        """Where the bytes that are lacking may be put, to be added in their place.

        Raises:
            ValueError: neither sealed nor kept: there is no such place.
        """
        if isinstance(self.plain, bytearray):
            return memoryview(self.plain)[self.size :]
        if self.seal is None:
            raise ValueError("nothing is kept of this body")
        return self.seal.room()

    def add(self, part: bytes | memoryview, *, in_place: bool = False) -> None:
        """The next bytes.

        Args:
            part: from elsewhere, or the next of ``room``.
            in_place: they are the next of ``room``.
        """
        if not in_place and isinstance(self.plain, bytearray):
            self.plain[self.size : self.size + len(part)] = part
        self.size += len(part)
        if self.seal is not None and self._digest is not None:
            self._digest.update(part)
            self.seal.add(part)
