"""UUIDv7 (RFC 9562, section 5.7): sorts by time, so that a journal's index grows at its end."""

import random
import uuid


def uuid7(*, now: float, rng: random.Random) -> str:
    """A new id in text form: 48 bits of milliseconds since 1970, then 74 bits from ``rng``."""
    milliseconds = int(now * 1000) & ((1 << 48) - 1)
    value = (milliseconds << 80) | rng.getrandbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def minted_at(enrollment_id: str) -> float:
    """Wall seconds in a UUIDv7, to the millisecond: when its enrollment was accepted."""
    return (uuid.UUID(enrollment_id).int >> 80) / 1000
