"""The backlog of a run: how many citizens came whose enrollment is not recorded yet, and its drain.

Pure, over the evidence.
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from loadtests.evidence import Evidence, Outage
from loadtests.logs import Sample
from loadtests.meanings import Figure


@dataclass(frozen=True, slots=True)
class Drain:
    """How one backlog went down: `seconds` measured (infinite: it never did), `ideal` possible."""

    outage: Outage
    backlog: int
    seconds: float
    ideal: float

    @property
    def ratio(self) -> float:
        """Measured over ideal; 1 is perfect."""
        return self.seconds / self.ideal if self.ideal else math.inf


def timelines(evidence: Evidence) -> "tuple[array[float], array[float]]":
    """Two sorted arrays: when each citizen came, and when each enrollment was recorded."""
    cases = evidence.cases.values()
    came = array("d", sorted(case.due for case in cases))
    recorded = sorted(case.recorded_at for case in cases if case.recorded_at is not None)
    return came, array("d", recorded)


def drains(evidence: Evidence) -> list[Drain]:
    """One drain for each outage of the script (or the first, if load alone caused them all).

    A later tip-over belongs to the drain it prolongs. A drain that the next scripted outage cuts
    short says nothing and is left out. The backlog counts as gone when no more enrollments are
    unrecorded than the server has workers: then none waits for its turn. The ideal ends there too.
    """
    if not evidence.servers:
        return []
    server = evidence.servers[0]
    came, recorded = timelines(evidence)
    starts = [outage for outage in evidence.outages if not outage.own_doing]
    starts = starts or evidence.outages[:1]
    found: list[Drain] = []
    for outage, following in zip(starts, [*starts, None][1:], strict=True):
        if outage.end is None:
            continue
        backlog = bisect_right(came, outage.end) - bisect_right(recorded, outage.end)
        if backlog <= server.workers:
            continue
        seconds = time_to_drain(came, recorded, outage.end, server.workers)
        if following is not None and outage.end + seconds > following.start:
            continue
        nominal = server.workers / server.service_seconds
        capacity = _capacities(evidence.samples, outage.end, nominal)
        ideal = _ideal(came, backlog - server.workers, outage.end, capacity)
        found.append(Drain(outage, backlog, seconds, ideal))
    return found


def time_to_drain(
    came: Sequence[float], recorded: Sequence[float], start: float, enough: int
) -> float:
    """Seconds from `start` until at most `enough` are unrecorded; infinite if that never comes."""
    arrived = bisect_right(came, start)
    for done in range(bisect_right(recorded, start), len(recorded)):
        while arrived < len(came) and came[arrived] <= recorded[done]:
            arrived += 1
        if arrived - (done + 1) <= enough:
            return recorded[done] - start
    return math.inf


def _capacities(
    samples: Sequence[Sample], start: float, nominal: float
) -> Iterator[tuple[float, float]]:
    """Pairs (until, per second) from `start` on; a server that is down counts as up: no excuse."""
    later = samples[bisect_right(samples, start, key=lambda sample: sample.at) :]
    for sample in later:
        yield sample.at, sample.capacity or nominal
    yield math.inf, nominal


def _ideal(
    came: Sequence[float],
    backlog: float,
    start: float,
    capacities: Iterator[tuple[float, float]],
) -> float:
    """Backlog / (capacity - arrivals), with the arrivals and capacities that there really were.

    A fluid queue: work leaves at full capacity, each arrival adds one.
    """
    left, now, arrived = float(backlog), start, bisect_right(came, start)
    until, rate = next(capacities)
    while True:
        next_arrival = came[arrived] if arrived < len(came) else math.inf
        step_end = min(next_arrival, until)
        if now + left / rate <= step_end:
            return now + left / rate - start
        left -= rate * (step_end - now)
        now = step_end
        if step_end == next_arrival:
            left += 1
            arrived += 1
        else:
            until, rate = next(capacities)


def capacity_used(evidence: Evidence) -> Figure:
    """Recorded over what could have been, while the server was up and enough waited to fill it.

    Enough is twice as many as it has workers: as many again as it can work on.
    """
    if not evidence.servers:
        return None
    enough = 2 * evidence.servers[0].workers
    came, recorded = timelines(evidence)

    def waits(at: float) -> bool:
        return bisect_right(came, at) - bisect_right(recorded, at) >= enough

    done = possible = 0.0
    for before, after in pairwise(evidence.samples):
        busy = waits(before.at) and waits(after.at)
        if busy and before.capacity and after.capacity and after.recorded >= before.recorded:
            done += after.recorded - before.recorded
            possible += (before.capacity + after.capacity) / 2 * (after.at - before.at)
    return done / possible if possible else None
