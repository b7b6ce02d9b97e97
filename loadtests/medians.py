"""A measure over several runs that differ in their seed alone: median and bounds. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from loadtests.meanings import Figure
from loadtests.targets import HARM
from loadtests.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Spread:
    """The lower median with the least and the most; a run without the measure does not count."""

    middle: Figure
    least: Figure
    most: Figure

    @property
    def is_one(self) -> bool:
        """Whether all runs agree (or there is one)."""
        return self.least == self.most


def spread(verdicts: Sequence[Verdict], measure: str) -> Spread:
    """The spread of `measure` over `verdicts`; all `None` where no run has it."""
    values = [verdict.measures[measure] for verdict in verdicts]
    known = [value for value in values if value is not None]
    if not known:
        return Spread(None, None, None)
    return Spread(median_low(known), min(known), max(known))


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The run that went worst: what its sentence says must not be hidden by a median.

    Of two that failed, the one that harmed more; of two alike, the one of the lesser seed.
    """
    return max(verdicts, key=lambda verdict: (verdict.exit_code, _harm(verdict), -verdict.seed))


def _harm(verdict: Verdict) -> float:
    return sum(verdict.measures[kind] or 0 for kind in HARM)
