"""HMAC-SHA-256 (RFC 2104) of texts under one key, begun once for each purpose.

Must not know what is indexed, or where the key comes from.
"""

import hashlib
from typing import Final

from gateway.journal.binding import framed, framed_texts

_BLOCK: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


class Index:
    """The HMACs of one purpose: no other purpose ever gives the same for the same texts.

    Two SHA-256 that have the key and the purpose behind them already, because ``hmac`` passes each
    step on through calls of its own, and its one-shot form gives the interpreter away.
    """

    def __init__(self, key: bytes, purpose: str) -> None:
        """``key``: at most 64 bytes."""
        padded = key.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER) + framed(purpose.encode()))
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def of(self, *texts: str) -> bytes:
        """The HMAC of the framed purpose and texts."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(framed_texts(texts))
        outer.update(inner.digest())
        return outer.digest()
