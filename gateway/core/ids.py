"""UUIDv7 (RFC 9562, section 5.7): sorts by time, so that a journal's index grows at its end."""

import random


def uuid7(*, now: float, rng: random.Random) -> str:
    """A new id in text form: 48 bits of milliseconds since 1970, then 74 bits from ``rng``."""
    milliseconds = int(now * 1000) & ((1 << 48) - 1)
    value = (milliseconds << 80) | rng.getrandbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def minted_at(enrollment_id: str) -> float:
    """Wall seconds in a UUIDv7, to the millisecond: when its enrollment was accepted."""
    return int(enrollment_id[:8] + enrollment_id[9:13], 16) / 1000
