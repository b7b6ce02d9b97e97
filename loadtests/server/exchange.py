"""What goes in and out of the simulated recording server: a request, and the reply to it.

Pure data. Must not know how either travels.
"""

from dataclasses import dataclass
from enum import StrEnum

from loadtests.server.recorded import Record


class How(StrEnum):
    """What becomes of the connection."""

    ANSWER = "answer"
    HALF = "half"
    """Half of the answer, then the end."""
    RESET = "reset"
    """Not one byte."""


@dataclass(frozen=True, slots=True)
class Request:
    """A state-changing request that was read in full. `sha256` is the body's, in hex."""

    key: str | None
    enrollment: str | None
    ordering_key: str | None
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What the caller of `ticket` gets; `record` is what was recorded, now or before."""

    at: float
    ticket: int
    how: How
    status: int
    record: Record | None = None
    retry_after: str | None = None
