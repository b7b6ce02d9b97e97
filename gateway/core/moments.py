"""Moments as people and programs write them: RFC 3339, UTC, to the millisecond."""

from datetime import UTC, datetime


def iso(moment: float) -> str:
    """Wall seconds as text: ``2026-11-24T01:02:03.456Z``."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def stamp(moment: float) -> str:
    """Wall seconds as part of a file's name: ``20261124T010203Z``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")
