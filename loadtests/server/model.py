"""The figures of a simulated server, and how long its work takes.

Pure: randomness is injected. Must not know queues, time, HTTP or the ledger.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Literal

State = Literal["up", "down", "returning"]
"""Returning: back, but not yet with all workers."""


class Mode(StrEnum):
    """What a server that is down does with who comes."""

    HANG = "hang"
    REFUSE = "refuse"
    UNAVAILABLE = "503"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A server's figures.

    Attributes:
        workers: how many work at once.
        service_seconds: mean service time below the knee.
        cv: coefficient of variation of the service time, which is lognormal; 0 is constant.
        knee: outstanding above which the service time grows; None: it never does.
        thrash: how much it grows: by this share per knee of outstanding above the knee.
        collapse_at: the most outstanding that it bears; None: it bears all.
        down_seconds: how long a collapse lasts.
        collapse_mode: what it does meanwhile.
        return_seconds: how long it takes to have all workers back after a collapse or crash.
        cut_share: probability that work in service at that moment has its effect without an answer.
    """

    workers: int = 10
    service_seconds: float = 0.2
    cv: float = 0.3
    knee: int | None = None
    thrash: float = 1.0
    collapse_at: int | None = None
    down_seconds: float = 300.0
    collapse_mode: Mode = Mode.HANG
    return_seconds: float = 0.0
    cut_share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a server that cannot be."""
        for name in ("workers", "knee", "collapse_at"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}, but must be at least 1")
        for name in ("cv", "thrash", "down_seconds", "return_seconds"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} is {value}, but must be 0 or more")
        if not 0 < self.service_seconds < math.inf:
            raise ValueError(f"service_seconds is {self.service_seconds}, but must be above 0")
        if not 0 <= self.cut_share <= 1:
            raise ValueError(f"cut_share is {self.cut_share}, but a share is between 0 and 1")

    def draw_seconds(self, rng: Random, *, outstanding: int) -> float:
        """Draw the service time of work that begins while `outstanding` are in hand.

        Lognormal with mean `service_seconds` and coefficient of variation `cv`, times
        `1 + thrash * max(0, outstanding - knee) / knee`.
        """
        seconds = self.service_seconds
        if self.cv > 0:
            variance = math.log1p(self.cv**2)
            seconds *= rng.lognormvariate(-variance / 2, math.sqrt(variance))
        if self.knee is not None and outstanding > self.knee:
            seconds *= 1 + self.thrash * (outstanding - self.knee) / self.knee
        return seconds
