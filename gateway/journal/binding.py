"""What a sealed part is bound to, and under which numbers: the same for whoever seals or opens.

Pure but for chance. Must not encrypt.
"""

import os
from collections.abc import Iterable
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

_DRAWN: Final = KEY_BYTES + NONCE_BYTES
_DRAWS: Final = 93  # about 4 KB: one call to the kernel for so many draws
_pool: Final[list[bytes]] = []


def draw() -> bytes:
    """A data key, and the nonce that it will be wrapped under: random, and never given twice.

    Drawn from a pool, because each call to the kernel gives the interpreter away, and getting it
    back from the journal's thread costs more than the call. ``pop`` takes a draw out for good, in
    one step of the interpreter, so that threads cannot get the same one; a forked child begins
    with an empty pool of its own.
    """
    try:
        return _pool.pop()
    except IndexError:
        chance = os.urandom(_DRAWS * _DRAWN)
        first, *others = [chance[at : at + _DRAWN] for at in range(0, len(chance), _DRAWN)]
        _pool.extend(others)
        return first


os.register_at_fork(after_in_child=_pool.clear)


def record_of(enrollment_id: str, station: str, fingerprint: bytes) -> bytes:
    """What tells a record from every other, as the last part of what a key is bound to."""
    named, by = enrollment_id.encode(), station.encode("utf-8", "surrogateescape")
    lengths, first, second, third = _LENGTHS, len(named), len(by), len(fingerprint)
    size = 3 * 4 + first + second + third
    if size < _SHORT:  # so is each of them
        parts = (lengths[first], named, lengths[second], by, lengths[third], fingerprint)
        return lengths[size] + b"".join(parts)
    return size.to_bytes(4, "big") + framed(named, by, fingerprint)


def framed(*parts: bytes) -> bytes:
    """The parts, each after its length: two different lists never give the same bytes.

    ``framed(a, b)`` is ``framed(a) + framed(b)``: what never changes can be framed beforehand.
    """
    joined: list[bytes] = []
    for part in parts:
        size = len(part)
        joined += _LENGTHS[size] if size < _SHORT else size.to_bytes(4, "big"), part
    return b"".join(joined)


def framed_texts(texts: Iterable[str]) -> bytes:
    """The same of texts as they came, bytes that are not UTF-8 among them."""
    joined: list[bytes] = []
    for text in texts:
        part = text.encode("utf-8", "surrogateescape")
        size = len(part)
        joined += _LENGTHS[size] if size < _SHORT else size.to_bytes(4, "big"), part
    return b"".join(joined)


_SHORT: Final = 256
_LENGTHS: Final = [size.to_bytes(4, "big") for size in range(_SHORT)]

PART_OF: Final = {part: framed(FORMAT, part) for part in (ENVELOPE, BODY, ANSWER)}
"""What a ciphertext itself is bound to. It opens with its own key alone, and that to more."""
