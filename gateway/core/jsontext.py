"""JSON as bytes and back, quickly; of all that a header may hold, exactly.

Must not know what is written.
"""

import json
from typing import Any

import orjson


def dump(value: object) -> bytes:
    """As JSON without spaces.

    Bytes of a header that are not UTF-8 are lone surrogates here. Only Python's own encoder writes
    them, as escapes; it is many times slower, so it is asked last.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def load(text: bytes) -> Any:  # noqa: ANN401 - JSON
    """The reverse of ``dump``.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
