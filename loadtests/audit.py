"""What went wrong with single enrollments: lost, doubled, invented, altered and the like.

Pure, over the evidence. It counts and names; which of it fails a run is the verdict's business.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loadtests.evidence import Case, Evidence
from loadtests.logs import Recorded

EXAMPLES = 5
"""How many enrollments a finding names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of harm: how many enrollments it hit, and a few of them by key."""

    kind: str
    meaning: str
    count: int
    examples: tuple[str, ...]


def audit(evidence: Evidence) -> tuple[Finding, ...]:
    """Every kind of harm, found or not, worst first."""
    cases = evidence.cases.values()
    zero = evidence.origin
    lost = sorted((case for case in cases if not case.effects), key=lambda case: not promised(case))
    return (
        _finding(
            "lost",
            "a citizen came, the server recorded nothing",
            lost,
            lambda case: _how_lost(case, zero),
        ),
        _finding(
            "lost_promised",
            "lost although a station was promised or told that it is kept (part of lost)",
            [case for case in lost if promised(case)],
            lambda case: _how_lost(case, zero),
        ),
        _finding(
            "doubled",
            "the server recorded one enrollment more than once",
            [case for case in cases if case.effects > 1],
            lambda case: f"{case.key}: recorded {case.effects} times, sent {case.attempts} times",
        ),
        _invented(evidence.invented),
        _finding(
            "altered",
            "the bytes recorded are not the bytes sent",
            [case for case in cases if case.altered],
            lambda case: f"{case.key}: sent {case.bytes} bytes, sha256 {case.sha256[:12]}…",
        ),
        _out_of_order(cases),
        _finding(
            "dishonest",
            "a station was told `delivered` before the server had recorded it",
            [case for case in cases if _told_too_early(case)],
            lambda case: _how_early(case, zero),
        ),
        _finding(
            "contradicted",
            "a station's final answer is no, and yet the server recorded it",
            [case for case in cases if case.effects and case.final not in {None, "delivered"}],
            lambda case: f"{case.key}: told {case.final}, recorded {_at(case.recorded_at, zero)}",
        ),
    )


def promised(case: Case) -> bool:
    """Whether a station was told that this enrollment is safe."""
    return case.promised_at is not None


def _finding(kind: str, meaning: str, hit: list[Case], say: Callable[[Case], str]) -> Finding:
    return Finding(kind, meaning, len(hit), tuple(say(case) for case in hit[:EXAMPLES]))


def _at(at: float | None, zero: float) -> str:
    """A moment of the run for people, in seconds since its begin."""
    return "never" if at is None else f"at {at - zero:.3f} s"


def _how_lost(case: Case, zero: float) -> str:
    return (
        f"{case.key}: due {_at(case.due, zero)}, promised {_at(case.promised_at, zero)},"
        f" final answer {case.final or 'none'}"
    )


def _told_too_early(case: Case) -> bool:
    if case.delivered_at is None:
        return False
    return case.recorded_at is None or case.recorded_at > case.delivered_at


def _how_early(case: Case, zero: float) -> str:
    told, recorded = _at(case.delivered_at, zero), _at(case.recorded_at, zero)
    return f"{case.key}: told delivered {told}, recorded {recorded}"


def _invented(effects: list[Recorded]) -> Finding:
    return Finding(
        "invented",
        "the server recorded what no station sent",
        len(effects),
        tuple(
            f"{effect.enrollment or effect.key or 'no key'}: effect number {effect.number}"
            for effect in effects[:EXAMPLES]
        ),
    )


def _out_of_order(cases: Iterable[Case]) -> Finding:
    """Enrollments of one station and ordering key that a later one overtook.

    A is before B only when A was promised before B was first sent: stations send open-loop, so
    between two that were on the way together no order was ever agreed (real-time precedence, as
    in linearizability: Herlihy and Wing, 1990).
    """
    groups: defaultdict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        if case.ordering_key is not None and case.effects:
            groups[case.station, case.ordering_key].append(case)
    overtaken: list[str] = []
    for group in groups.values():
        group.sort(key=lambda case: case.number)
        newest = group[0]
        for case in group[1:]:
            if case.promised_at is not None and case.promised_at < newest.sent_at:
                overtaken.append(f"{case.key}: promised first, recorded after {newest.key}")
            if case.sent_at > newest.sent_at:
                newest = case
    return Finding(
        "out_of_order",
        "recorded after a later one of the same station and ordering key",
        len(overtaken),
        tuple(overtaken[:EXAMPLES]),
    )
