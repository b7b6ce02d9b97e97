"""A run over time: what came, was promised, was recorded and waited, in equal steps.

Pure, over the evidence. For pictures and for `series.csv`, never for the verdict.
"""

import csv
import io
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from loadtests.backlog import timelines
from loadtests.evidence import Evidence
from loadtests.logs import GatewaySample

STEPS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
"""Widths of a step in seconds that read well on an axis."""

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Steps of `width` seconds; `at` holds their ends, in seconds since `origin` (wall clock).

    Rates are per second; `backlog` and the gateway's values are taken at the end of a step,
    `outstanding` and `resident_megabytes` are the most in it. `None`: no sample in that step.
    """

    origin: float
    width: float
    at: tuple[float, ...]
    offered: Values
    promised: Values
    recorded: Values
    backlog: Values
    outstanding: Values
    capacity: Values
    window: Values
    resident_megabytes: Values


def step_for(seconds: float, most: int) -> float:
    """The smallest width that needs at most `most` steps for so long a run."""
    return next((width for width in STEPS if seconds / width <= most), STEPS[-1])


def over_time(
    evidence: Evidence, gateway: Sequence[GatewaySample] = (), *, width: float | None = None
) -> Series:
    """Count a run in steps of `width` seconds, by default some hundred of them."""
    came, recorded = timelines(evidence)
    promised = sorted(
        case.promised_at for case in evidence.cases.values() if case.promised_at is not None
    )
    origin = evidence.origin or (came[0] if came else 0.0)
    end = max((times[-1] for times in (came, recorded, promised) if times), default=origin)
    width = width or step_for(end - origin, 240)
    count = max(1, int((end - origin) / width) + 1)
    edges = [origin + width * step for step in range(1, count + 1)]
    return Series(
        origin=origin,
        width=width,
        at=tuple(edge - origin for edge in edges),
        offered=_rates(came, edges, width),
        promised=_rates(promised, edges, width),
        recorded=_rates(recorded, edges, width),
        backlog=tuple(bisect_right(came, edge) - bisect_right(recorded, edge) for edge in edges),
        outstanding=tuple(
            max((sample.max_outstanding for sample in step), default=None)
            for step in _steps(evidence.samples, edges)
        ),
        capacity=tuple(
            step[-1].capacity if step else None for step in _steps(evidence.samples, edges)
        ),
        window=tuple(step[-1].window if step else None for step in _steps(gateway, edges)),
        resident_megabytes=tuple(map(_most_megabytes, _steps(gateway, edges))),
    )


def _most_megabytes(step: Sequence[GatewaySample]) -> float | None:
    known = (sample.resident_bytes for sample in step if sample.resident_bytes is not None)
    most = max(known, default=None)
    return None if most is None else most / 1e6


def _rates(times: Sequence[float], edges: Sequence[float], width: float) -> Values:
    totals = [bisect_right(times, edge) for edge in edges]
    # What came before the first step belongs to it: nothing may be missing from the sum.
    befores = [0, *totals[:-1]]
    return tuple((after - before) / width for before, after in zip(befores, totals, strict=True))


class _Timed(Protocol):
    @property
    def at(self) -> float: ...


S = TypeVar("S", bound=_Timed)


def _steps(samples: Sequence[S], edges: Iterable[float]) -> list[Sequence[S]]:
    steps: list[Sequence[S]] = []
    start = 0
    for edge in edges:
        end = bisect_right(samples, edge, key=lambda sample: sample.at)
        steps.append(samples[start:end])
        start = end
    return steps


def as_csv(series: Series) -> str:
    """The series as CSV with a header, one row per step."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = {
        "seconds": series.at,
        "offered_per_second": series.offered,
        "promised_per_second": series.promised,
        "recorded_per_second": series.recorded,
        "backlog": series.backlog,
        "max_outstanding": series.outstanding,
        "capacity_per_second": series.capacity,
        "gateway_window": series.window,
        "gateway_resident_megabytes": series.resident_megabytes,
    }
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()
