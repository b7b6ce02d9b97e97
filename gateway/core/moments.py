"""Moments as people and programs write them: RFC 3339, UTC, to the millisecond."""

import math
from datetime import UTC, datetime
from functools import lru_cache


def iso(moment: float) -> str:
    """Wall seconds as text: ``2026-11-24T01:02:03.456Z``."""
    # As ``datetime`` rounds to microseconds: the audit's chain is checked against this text.
    fraction, whole = math.modf(moment)
    seconds, micros = divmod(int(whole) * 1_000_000 + round(fraction * 1e6), 1_000_000)
    return f"{_second(seconds)}.{micros // 1000:03d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    """Many moments lie in the same second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def stamp(moment: float) -> str:
    """Wall seconds as part of a file's name: ``20261124T010203Z``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")
