"""What a sealed part is bound to, and under which numbers: the same for whoever seals or opens.

Pure but for chance. Must not encrypt.
"""

import secrets
from typing import Final

from gateway.journal.keyring import KEY_BYTES

BOUND_TWICE: Final = b"\x01"
"""The first format: the ciphertext itself was bound to its record once more."""
FORMAT: Final = b"\x02"
FORMATS: Final = frozenset({BOUND_TWICE, FORMAT})
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
ONCE: Final = bytes(NONCE_BYTES)
"""The nonce of a data key, which encrypts only once."""
ENVELOPE, BODY, ANSWER = b"envelope", b"body", b"answer"


def draw() -> bytes:
    """A data key, and the nonce that it will be wrapped under: one call to the kernel, not two."""
    return secrets.token_bytes(KEY_BYTES + NONCE_BYTES)


def bound_of(enrollment_id: str, station: str, fingerprint: bytes) -> bytes:
    """What tells a record from every other."""
    return framed(enrollment_id.encode(), station.encode("utf-8", "surrogateescape"), fingerprint)


def framed(*parts: bytes) -> bytes:
    """The parts, each after its length: two different lists never give the same bytes."""
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])


PART_OF: Final = {part: framed(FORMAT, part) for part in (ENVELOPE, BODY, ANSWER)}
"""What a ciphertext itself is bound to. It opens with its own key alone, and that to more."""
