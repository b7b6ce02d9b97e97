"""A scenario's targets: bands for measures, as data, and whether a run keeps them.

Pure. Every violated band is reported, not the first alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.meanings import MEANINGS, Figure

HARM = ("lost", "doubled", "invented", "altered")
"""What no scenario may allow."""

HONESTY = ("out_of_order", "dishonest", "contradicted")
"""These must be zero as well, unless a scenario says otherwise."""


class TargetError(ValueError):
    """A target that cannot be judged: its text says which, and what would do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A measure must lie between `low` and `high`, both included."""

    measure: str
    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        low, high = f"{self.low:g}", f"{self.high:g}"
        if self.low == self.high:
            return low
        if math.isinf(self.low):
            return f"at most {high}"
        return f"at least {low}" if math.isinf(self.high) else f"{low} to {high}"


@dataclass(frozen=True, slots=True)
class Check:
    """One target against one run; `text` says the outcome in words."""

    target: Target
    value: Figure
    passed: bool
    text: str


def parse(targets: Mapping[str, object]) -> tuple[Target, ...]:
    """Read `{"drain_ratio": {"max": 1.15}, …}`, and add what must always be zero.

    Raises:
        TargetError: an unknown measure, an unknown limit, or a limit that is no number.
    """
    for name in targets:
        if name not in MEANINGS:
            raise TargetError(f"target {name}: no such measure. Known: {', '.join(MEANINGS)}")
    given = tuple(_target(name, band) for name, band in targets.items())
    usual = [*HARM, *(name for name in HONESTY if name not in targets)]
    return tuple(dict.fromkeys((*(Target(name, high=0) for name in usual), *given)))


def _target(name: str, band: object) -> Target:
    if not isinstance(band, Mapping) or not band.keys() <= {"min", "max"}:
        raise TargetError(f"target {name}: give min, max or both, as in {{ max = 0 }}")
    return Target(
        name, _limit(name, band.get("min"), -math.inf), _limit(name, band.get("max"), math.inf)
    )


def _limit(name: str, limit: object, missing: float) -> float:
    if limit is None:
        return missing
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        raise TargetError(f"target {name}: {limit!r} is no number")
    return limit


def check(target: Target, measures: Mapping[str, Figure]) -> Check:
    """Judge one target; a measure without a value misses it, since nothing was shown."""
    value = measures[target.measure]
    if value is None:
        return Check(target, None, passed=False, text=f"nothing to measure, wanted {target}")
    passed = target.low <= value <= target.high
    return Check(target, value, passed, f"{say(value)}, wanted {target}")


def say(value: Figure) -> str:
    """A figure for people: whole numbers whole, others to three digits."""
    if value is None:
        return "not measured"
    if math.isinf(value):
        return "never"
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """A length of time for people: 0.25 s, 42 s, 5 min 3 s, 2 h 10 min."""
    if math.isinf(seconds):
        return "for ever"
    if seconds < 59.5:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
