"""Short runs, made of nothing but what was recorded when."""

from array import array
from collections.abc import Sequence

from loadtests.evidence import Case, Evidence, Outage
from loadtests.logs import Sample, Server

SERVER = Server(0.0, 10, 1.0, 0.3, 30, 60.0, honours_key=True, seed=1)
"""Ten workers, ten a second."""


def evidence(
    came: Sequence[float],
    recorded: Sequence[float],
    down: Sequence[Outage],
    samples: Sequence[Sample] = (),
) -> Evidence:
    cases = {
        f"k{number}": Case(f"k{number}", "s", None, "0", 1, due, due, recorded_at=at, effects=1)
        for number, (due, at) in enumerate(zip(came, recorded, strict=True))
    }
    return Evidence(
        cases=cases,
        servers=[SERVER],
        outages=list(down),
        samples=list(samples),
        lateness=array("d", [0.0] * len(cases)),
    )


def steadily(per_second: float, start: float, end: float) -> list[float]:
    return [start + n / per_second for n in range(round((end - start) * per_second))]
