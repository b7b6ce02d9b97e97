"""Medians and spreads of paired rounds. Pure.

Theory: on a machine that others use too, an absolute figure says little, but what disturbs one
round disturbs the round beside it. So ours and the bare part run in turn, each round gives one
ratio, and the median of the ratios is what counts; the least and the greatest show how far to
trust it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the least and the greatest value that it comes from."""

    median: float
    least: float
    greatest: float
    rounds: int


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value.

    Raises:
        ValueError: there is none.
    """
    if not values:
        raise ValueError("no round was measured")
    return Spread(median(values), min(values), max(values), len(values))


def paired(ours: Sequence[float], bare: Sequence[float]) -> Spread:
    """The spread of ours divided by bare, round by round.

    Raises:
        ValueError: the rounds do not come in pairs, or a bare one is 0.
    """
    if len(ours) != len(bare) or not all(bare):
        raise ValueError("rounds must come in pairs, and the bare ones must not be 0")
    return spread([one / other for one, other in zip(ours, bare, strict=True)])
