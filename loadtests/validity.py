"""Whether a run proves anything: a generator that fell behind has measured itself. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from loadtests.evidence import Evidence
from loadtests.lines import UnreadableLineError
from loadtests.meanings import Figure
from loadtests.targets import TargetError


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes a run trustworthy and an answer timely; a scenario's `limits` override these.

    50 ms behind the schedule is where an open loop starts to hide slowness (coordinated omission);
    a Python process above 90 % of a core is where Locust itself warns.
    """

    answered_within_seconds: float = 12.0
    sent_late_p99_seconds: float = 0.05
    cpu_percent_max: float = 90.0
    clock_offset_seconds: float = 0.05


def limits_of(given: Mapping[str, object]) -> Limits:
    """A scenario's limits, the usual ones where it names none.

    Raises:
        TargetError: a limit that there is not.
    """
    unknown = given.keys() - Limits.__dataclass_fields__.keys()
    if unknown:
        raise TargetError(
            f"limits: no such limit: {', '.join(sorted(unknown))}."
            f" Known: {', '.join(Limits.__dataclass_fields__)}"
        )
    return Limits(**cast("Mapping[str, float]", given))


def reasons_against(
    evidence: Evidence,
    limits: Limits,
    measures: Mapping[str, Figure],
    unreadable: Sequence[UnreadableLineError],
) -> list[str]:
    """Every reason why this run proves nothing."""
    late = measures["sent_late_p99"] or 0.0
    cpu = max((end.cpu_percent_max for end in evidence.ends), default=0.0)
    clock = max((run.clock_offset or 0.0 for run in evidence.runs), default=0.0)
    open_ends = len(evidence.runs) - len(evidence.ends)
    settings = {(str(run.scenario), run.seed, run.scale, run.via) for run in evidence.runs}
    found = {
        "sent.jsonl does not begin with a run line": not evidence.run_comes_first,
        "ledger.jsonl does not begin with a server line": not evidence.server_comes_first,
        "sent.jsonl mixes runs of different settings": len(settings) > 1,
        "no station sent anything": not evidence.cases,
        f"generating processes that did not write their end: {open_ends}": open_ends > 0,
        f"arrivals that the generator dropped: {len(evidence.dropped)}": bool(evidence.dropped),
        f"the generator was late: p99 of sent - due is {late * 1000:.0f} ms, at most"
        f" {limits.sent_late_p99_seconds * 1000:.0f} ms": late > limits.sent_late_p99_seconds,
        f"the generator's processor was saturated: {cpu:.0f} %, at most"
        f" {limits.cpu_percent_max:.0f} %": cpu > limits.cpu_percent_max,
        "a generating host did not tell its time": any(
            run.clock_offset is None for run in evidence.runs
        ),
        f"clocks of generating hosts differ by {clock * 1000:.0f} ms, at most"
        f" {limits.clock_offset_seconds * 1000:.0f} ms": clock > limits.clock_offset_seconds,
        f"answers to enrollments that were never sent: {len(evidence.strays)}, among them"
        f" {', '.join(evidence.strays[:3])}": bool(evidence.strays),
    }
    torn_middle = [f"unreadable line {error}" for error in unreadable if not error.torn]
    return [reason for reason, holds in found.items() if holds] + torn_middle
