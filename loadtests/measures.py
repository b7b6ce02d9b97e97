"""Figures of a run: latency, outages, drain, attempts. Pure, over the evidence.

Knows no target: it says how much, `loadtests.targets` says whether that is enough.
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from loadtests.audit import Finding, promised
from loadtests.evidence import Case, Evidence, Outage
from loadtests.logs import Sample
from loadtests.order import order

Figure = float | None
"""A measured value; infinite for what never ended, `None` where the run has nothing to measure."""

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}

MEANINGS = {
    "arrivals": "enrollments that stations sent",
    "recorded": "enrollments with at least one effect at the server",
    "once": "enrollments with exactly one effect",
    "lost": "enrollments without an effect",
    "lost_promised": "lost ones that were promised to a station",
    "doubled": "enrollments with more than one effect",
    "invented": "effects that no station sent",
    "altered": "enrollments recorded with other bytes",
    "out_of_order": "enrollments overtaken by a later one of the same ordering key",
    "dishonest": "told `delivered` before the server had recorded it",
    "contradicted": "told no, and yet recorded",
    "undecided": "stations without a final answer at the end",
    "rejected": "stations told `rejected`",
    "dead_letters": "stations told `dead_letter`",
    "answered_in_time": "share of arrivals with a promise within the limit, from the due time",
    **{f"answer_{name}": f"seconds from due to the final answer, {name}" for name in PERCENTILES},
    **{f"promise_{name}": f"seconds from due to the promise, {name}" for name in PERCENTILES},
    "outages": "times the server was down",
    "outage_seconds": "seconds the server was down",
    "collapses": "times load tipped the server over",
    "retips": "times load tipped it over again after a return",
    "drain_seconds": "seconds from the server's return to backlog zero, the worst",
    "drain_ratio": "that time over the ideal, backlog / (capacity - arrivals), the worst",
    "attempts_ratio": "attempts the server received per enrollment recorded, outside outages",
    "capacity_used": "share of the server's capacity that was used while more waited than it has"
    " workers",
    "flood_slowdown": "mean delay from due to recorded of the stations that do not flood, in the"
    " flood over before it",
    "backlog_deliveries": "enrollments that the server received after their promise",
    "overtaken_share": "share of those that a later one of their priority passed, though they"
    " could go",
    "order_inversions_share": "the same, passed by more than were ever outstanding at once",
    "overtaken_most": "how many later ones passed a single one",
    "max_outstanding": "most requests at the server at once",
    "recorded_per_second": "enrollments recorded per second, over the whole run",
    "sent_late_p99": "seconds that the generator was behind its schedule, p99",
}
"""Every measure by name, with what it counts."""


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


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of a sorted, non-empty sequence; `share` in 0..1."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def measure(evidence: Evidence, findings: Iterable[Finding], *, within: float) -> dict[str, Figure]:
    """Every measure of `MEANINGS`; `within` is the limit of `answered_in_time` in seconds."""
    cases = evidence.cases.values()
    recorded = sum(1 for case in cases if case.effects)
    drained = drains(evidence)
    return {
        "arrivals": len(cases),
        "recorded": recorded,
        "once": sum(1 for case in cases if case.effects == 1),
        **{finding.kind: finding.count for finding in findings},
        "undecided": sum(1 for case in cases if case.final is None),
        "rejected": sum(1 for case in cases if case.final == "rejected"),
        "dead_letters": sum(1 for case in cases if case.final == "dead_letter"),
        "answered_in_time": _share(cases, within),
        **_latencies("answer", [_since_due(case, case.answered_at) for case in cases]),
        **_latencies("promise", [_since_due(case, case.promised_at) for case in cases]),
        **_outage_figures(evidence),
        "drain_seconds": max((drain.seconds for drain in drained), default=None),
        "drain_ratio": max((drain.ratio for drain in drained), default=None),
        "attempts_ratio": attempts_ratio(evidence.samples, evidence.outages),
        "capacity_used": capacity_used(evidence),
        "flood_slowdown": flood_slowdown(evidence),
        **_order_figures(evidence),
        "max_outstanding": evidence.max_outstanding,
        "recorded_per_second": _rate(evidence, recorded),
        "sent_late_p99": percentile(sorted(evidence.lateness), 0.99) if evidence.lateness else None,
    }


def _since_due(case: Case, at: float | None) -> float:
    return math.inf if at is None else at - case.due


def _latencies(name: str, seconds: list[float]) -> dict[str, Figure]:
    """Percentiles over all arrivals: one that never got an answer waited for ever."""
    seconds.sort()
    return {
        f"{name}_{label}": percentile(seconds, share) if seconds else None
        for label, share in PERCENTILES.items()
    }


def _share(cases: Iterable[Case], within: float) -> Figure:
    in_time = [promised(case) and _since_due(case, case.promised_at) <= within for case in cases]
    return sum(in_time) / len(in_time) if in_time else None


def _rate(evidence: Evidence, recorded: int) -> Figure:
    times = [case.recorded_at for case in evidence.cases.values() if case.recorded_at is not None]
    first_due = min((case.due for case in evidence.cases.values()), default=0.0)
    seconds = max(times, default=first_due) - first_due
    return recorded / seconds if seconds > 0 else None


def _outage_figures(evidence: Evidence) -> dict[str, Figure]:
    found = evidence.outages
    ends = (evidence.last_at if outage.end is None else outage.end for outage in found)
    return {
        "outages": len(found),
        "outage_seconds": math.fsum(
            end - outage.start for outage, end in zip(found, ends, strict=True)
        ),
        "collapses": sum(outage.own_doing for outage in found),
        "retips": sum(outage.own_doing for outage in found[1:]),
    }


def _order_figures(evidence: Evidence) -> dict[str, Figure]:
    found = order(evidence.cases.values(), at_once=evidence.max_outstanding)
    some = found.backlog
    return {
        "backlog_deliveries": some,
        "overtaken_share": found.overtaken / some if some else None,
        "order_inversions_share": found.inversions / some if some else None,
        "overtaken_most": found.most if some else None,
    }


def attempts_ratio(samples: Sequence[Sample], outages: Sequence[Outage]) -> Figure:
    """Received over recorded, from the seconds in which the server was never down."""
    received = recorded = 0
    for before, after in pairwise(samples):
        up = all(
            outage.start > after.at or (outage.end is not None and outage.end < before.at)
            for outage in outages
        )
        if up and after.received >= before.received:  # totals restart with the server
            received += after.received - before.received
            recorded += after.recorded - before.recorded
    return received / recorded if recorded else None


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


WARMING_SHARE = 1 / 3
"""Of the time before a flood: in it the window is still found, and nothing is compared with it."""


def flood_slowdown(evidence: Evidence) -> Figure:
    """What a flood did to the others; infinite if one of theirs was never recorded."""
    flood = evidence.runs[0].scenario.get("flood") if evidence.runs else None
    if not isinstance(flood, Mapping):
        return None
    begins = float(flood["from_seconds"])
    before: list[float] = []
    during: list[float] = []
    for case in evidence.cases.values():
        if case.station == flood["station"]:
            continue
        after = case.due - evidence.origin
        if after >= begins:
            during.append(_since_due(case, case.recorded_at))
        elif after >= WARMING_SHARE * begins:
            before.append(_since_due(case, case.recorded_at))
    return fmean(during) / fmean(before) if before and during else None


# --- the backlog: how many citizens came whose enrollment is not recorded yet ---------------------


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
