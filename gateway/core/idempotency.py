"""Read an ``Idempotency-Key``: a quoted string (RFC 9651, section 3.3.3) or bare text.

Must not know what the key is for; a key is opaque.
"""

import re
from typing import Final

LONGEST: Final = 255

# Printable ASCII. A quoted string may hold a quote or a backslash only behind a backslash.
_BARE: Final = re.compile(r"[\x20-\x7e]+")
_PLAIN: Final = r"[\x20\x21\x23-\x5b\x5d-\x7e]*"
_QUOTED: Final = re.compile(rf'"({_PLAIN}(?:\\["\\]{_PLAIN})*)"')  # whole runs: each once
_ESCAPED: Final = re.compile(r'\\(["\\])')


class KeyInvalid(ValueError):
    """The text is no key. It is not repeated here: a key is not for logs."""


def parse_key(text: str) -> str:
    """The key without quotes: 1 to 255 printable ASCII characters.

    The quoted and the bare form of the same characters are the same key.

    Raises:
        KeyInvalid: empty, too long, not printable ASCII, or broken quotes.
    """
    text = text.strip(" \t")
    if text.startswith('"'):
        quoted = _QUOTED.fullmatch(text)
        if quoted is None:
            raise KeyInvalid("an Idempotency-Key that begins with a quote must end with one")
        key = _ESCAPED.sub(r"\1", quoted[1]) if "\\" in quoted[1] else quoted[1]
    elif _BARE.fullmatch(text):
        key = text
    else:
        raise KeyInvalid("an Idempotency-Key is printable ASCII")
    if not 1 <= len(key) <= LONGEST:
        raise KeyInvalid(f"an Idempotency-Key has 1 to {LONGEST} characters")
    return key
