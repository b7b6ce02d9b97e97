"""The verdict on a run, from `sent.jsonl` and `ledger.jsonl` alone.

Shares no code with the gateway, so that it cannot share its bugs, and asks nobody: the same two
files give the same verdict on any machine.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from loadtests.audit import Finding, audit
from loadtests.backlog import Drain, drains
from loadtests.evidence import Evidence, gather
from loadtests.lines import UnreadableLineError
from loadtests.logs import read_ledger, read_sent
from loadtests.meanings import Figure
from loadtests.measures import measure
from loadtests.targets import HARM, Check, TargetError, check, duration, parse, say
from loadtests.validity import limits_of, reasons_against

PASSED, MISSED, INVALID, HARMED = 0, 1, 2, 3
"""Exit codes. A run that harmed an enrollment is 3, whatever else is wrong with it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one run. `invalid` says why it proves nothing; empty is good."""

    sentence: str
    exit_code: int
    scenario: str
    via: str
    seed: int
    scale: float
    invalid: tuple[str, ...]
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    measures: Mapping[str, Figure]
    drains: tuple[Drain, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """For `verdict.json`: what never ended is "never", what cannot be measured is null."""
        return {
            "sentence": self.sentence,
            "exit_code": self.exit_code,
            "scenario": self.scenario,
            "via": self.via,
            "seed": self.seed,
            "scale": self.scale,
            "invalid": list(self.invalid),
            "findings": [
                {
                    "kind": finding.kind,
                    "meaning": finding.meaning,
                    "count": finding.count,
                    "examples": list(finding.examples),
                }
                for finding in self.findings
            ],
            "targets": [
                {
                    "measure": check.target.measure,
                    "wanted": str(check.target),
                    "value": _json(check.value),
                    "passed": check.passed,
                }
                for check in self.checks
            ],
            "measures": {name: _json(value) for name, value in self.measures.items()},
            "drains": [
                {
                    "down_at": drain.outage.start,
                    "back_at": drain.outage.end,
                    "cause": drain.outage.cause,
                    "backlog": drain.backlog,
                    "seconds": _json(drain.seconds),
                    "ideal_seconds": drain.ideal,
                    "ratio": _json(drain.ratio),
                }
                for drain in self.drains
            ],
            "notes": list(self.notes),
        }


def judge(directory: Path) -> Verdict:
    """Judge the run in `directory`.

    Raises:
        TargetError: the scenario has a target that names no measure.
    """
    return decide(*examine(directory))


def examine(directory: Path) -> tuple[Evidence, tuple[UnreadableLineError, ...]]:
    """Read both logs once; a log that is not there is an empty one. Lines not read are returned.

    Stations on several hosts leave a log on each, `sent-HOST.jsonl` and the like: all that are in
    the folder are read as one.
    """
    unreadable: list[UnreadableLineError] = []
    sent, ledger = sorted(directory.glob("sent*.jsonl")), directory / "ledger.jsonl"
    evidence = gather(
        chain.from_iterable(read_sent(path, unreadable.append) for path in sent),
        read_ledger(ledger, unreadable.append) if ledger.exists() else (),
    )
    return evidence, tuple(unreadable)


def decide(evidence: Evidence, unreadable: Sequence[UnreadableLineError] = ()) -> Verdict:
    """The verdict on what both logs say. Pure."""
    run = evidence.runs[0] if evidence.runs else None
    scenario = run.scenario if run else {}
    limits = limits_of(_table(scenario, "limits"))
    findings = audit(evidence)
    measures = measure(evidence, findings, within=limits.answered_within_seconds)
    checks = tuple(check(target, measures) for target in parse(_table(scenario, "targets")))
    invalid = tuple(reasons_against(evidence, limits, measures, unreadable))
    drained = tuple(drains(evidence))
    code = _exit_code(findings, invalid, checks)
    return Verdict(
        sentence=_sentence(code, measures, invalid, checks, drained),
        exit_code=code,
        scenario=str(scenario.get("name", "unknown")),
        via=run.via if run else "unknown",
        seed=run.seed if run else 0,
        scale=run.scale if run else 0.0,
        invalid=invalid,
        findings=findings,
        checks=checks,
        measures=measures,
        drains=drained,
        notes=tuple(f"{error}: left out" for error in unreadable if error.torn),
    )


def _table(scenario: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = scenario.get(name, {})
    if not isinstance(table, Mapping):
        raise TargetError(f"the scenario's {name} must be a table")
    return table


def _exit_code(findings: Sequence[Finding], invalid: Sequence[str], checks: Sequence[Check]) -> int:
    if any(finding.count for finding in findings if finding.kind in HARM):
        return HARMED
    if invalid:
        return INVALID
    return PASSED if all(check.passed for check in checks) else MISSED


def _sentence(
    code: int,
    measures: Mapping[str, Figure],
    invalid: Sequence[str],
    checks: Sequence[Check],
    drained: Sequence[Drain],
) -> str:
    """One sentence that a manager understands."""
    arrivals = say(measures["arrivals"])
    doubt = f" The run is invalid as well: {'; '.join(invalid)}." if invalid else ""
    match code:
        case 3:
            return f"FAILED: {_harm(measures)}, of {arrivals} enrollments.{doubt}"
        case 2:
            return f"INVALID: this run proves nothing, because {'; '.join(invalid)}."
        case 1:
            missed = [
                f"{check.target.measure} {check.text}" for check in checks if not check.passed
            ]
            return (
                f"MISSED: all {arrivals} enrollments were recorded exactly once, but"
                f" {len(missed)} of {len(checks)} targets were missed: {'; '.join(missed)}."
            )
    recovery = _recovery(measures, drained)
    return f"PASSED: all {arrivals} enrollments were recorded exactly once{recovery}."


def _harm(measures: Mapping[str, Figure]) -> str:
    words = {
        "lost": "lost",
        "doubled": "recorded more than once",
        "altered": "recorded with other bytes",
        "invented": "recorded that nobody sent",
    }
    told = [f"{say(measures[kind])} {word}" for kind, word in words.items() if measures[kind]]
    broken = measures["lost_promised"]
    if broken:
        told[0] += f" ({say(broken)} after a promise)"
    return ", ".join(told)


def _recovery(measures: Mapping[str, Figure], drained: Sequence[Drain]) -> str:
    if not measures["outages"]:
        return ""
    down = f", though the server was down for {duration(measures['outage_seconds'] or 0.0)}"
    worst = max(drained, key=lambda drain: drain.ratio, default=None)
    if worst is None or math.isinf(worst.seconds):
        return down
    return (
        f"{down}; the {worst.backlog:,} that waited were through {duration(worst.seconds)}"
        f" after its return (ideal: {duration(worst.ideal)})"
    )


def _json(value: Figure) -> object:
    return "never" if value is not None and math.isinf(value) else value
