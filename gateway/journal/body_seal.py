"""Seals a body part by part, as it comes; see ``sealing`` for what that promises.

Must not know whose body it is: its key is bound to its record when all of it is there.
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from gateway.journal.aligned import aligned
from gateway.journal.binding import BODY, ONCE, PART_OF, TAG_BYTES, draw
from gateway.journal.keyring import KEY_BYTES


class BodySeal:
    """Seals a body while it comes: each part is read once, when it is there.

    Attributes:
        size: bytes that are sealed.
    """

    __slots__ = ("_cipher", "_drawn", "_room", "size")

    def __init__(self, size: int) -> None:
        """``size``: bytes that are expected; more may come."""
        self.size = 0
        self._drawn = draw()
        self._cipher = Cipher(AES(self._drawn[:KEY_BYTES]), GCM(ONCE)).encryptor()
        self._cipher.authenticate_additional_data(PART_OF[BODY])
        self._room = aligned(size + TAG_BYTES)  # the disk takes it from there

    def room(self) -> memoryview:
        """Where what is lacking of the expected bytes may be put, to be sealed in its place."""
        return self._room[self.size : -TAG_BYTES]

    def add(self, part: bytes | memoryview) -> None:
        """The next bytes: from elsewhere, or the next that were put into ``room``."""
        before, self.size = self.size, self.size + len(part)
        if self.size + TAG_BYTES > len(self._room):
            longer = aligned(2 * self.size + TAG_BYTES)
            longer[:before] = self._room[:before]
            self._room = longer
        self._cipher.update_into(part, self._room[before:])

    def finish(self) -> tuple[bytes, memoryview]:
        """What its key is wrapped from, and the ciphertext, when all has come."""
        self._cipher.finalize()
        end = self.size + TAG_BYTES
        self._room[self.size : end] = self._cipher.tag
        return self._drawn, self._room[:end]
