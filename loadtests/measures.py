"""Figures of a run: latency, outages, drain, attempts. Pure, over the evidence.

Knows no target: it says how much, `loadtests.targets` says whether that is enough.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean

from loadtests.audit import Finding, promised
from loadtests.backlog import capacity_used, drains
from loadtests.evidence import Case, Evidence, Outage
from loadtests.logs import Sample
from loadtests.meanings import PERCENTILES, Figure
from loadtests.order import order


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
