"""What a figure comes to: rows of ratios with their goals. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.load import Measured
from benchmarks.statistics import Spread, paired, spread


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Attributes:
        name: of what.
        unit: of ``ours`` and ``bare``.
        ours: the gateway's figure.
        bare: the other's, from the same rounds; None: there is nothing to compare with.
        ratio: ours divided by the other's; None with ``bare``.
        by_cpu: the same for each processor second used, where that was measured: what other
            programs on the machine take away does not count in it.
        cpu: processor microseconds for each answer, ours and the other's.
        goal: what the ratio, or without one our figure, must come to; None: it is only shown.
        at_least: whether the goal is a floor; else it is a ceiling.
    """

    name: str
    unit: str
    ours: Spread
    bare: Spread | None = None
    ratio: Spread | None = None
    by_cpu: Spread | None = None
    cpu: tuple[Spread, Spread] | None = None
    goal: float | None = None
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the median comes to the goal; None: there is no goal.

        Where both were measured, by the clock and by processor time, both must: on a machine that
        others use, either alone may flatter.
        """
        if self.goal is None:
            return None
        found = [each.median for each in (self.ratio, self.by_cpu) if each is not None]
        values = found or [self.ours.median]
        return all(value >= self.goal if self.at_least else value <= self.goal for value in values)


@dataclass(frozen=True, slots=True)
class Figure:
    """One claim with its rows, and what must be known to read them."""

    number: int
    title: str
    rows: tuple[Row, ...]
    note: str = ""


def rates(
    name: str, ours: Sequence[Measured], bare: Sequence[Measured], *, goal: float | None
) -> Row:
    """A row of answers per second."""
    return Row(
        name=name,
        unit="/s",
        ours=spread([each.rate for each in ours]),
        bare=spread([each.rate for each in bare]),
        ratio=paired([each.rate for each in ours], [each.rate for each in bare]),
        by_cpu=paired([each.cpu for each in bare], [each.cpu for each in ours]),
        cpu=(
            spread([each.cpu * 1e6 for each in ours]),
            spread([each.cpu * 1e6 for each in bare]),
        ),
        goal=goal,
    )
