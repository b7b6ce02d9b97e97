"""A real run beside its simulation: how far apart are they? Pure.

Both walk the same schedule and are read by the same judge. What must agree is what people decide
by; how long single answers took depends on the machine, and is shown for what it is.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.backlog import time_to_drain, timelines
from loadtests.evidence import Evidence
from loadtests.meanings import Figure
from loadtests.targets import duration, say
from loadtests.verdict import Verdict, decide

RECORDED, PEAK, DRAIN = "recorded", "backlog's peak", "drain time"
WITHIN: Final = {RECORDED: 0.0, PEAK: 0.10, DRAIN: 0.15}
"""By how much real and simulated may differ, of the real."""

SHOWN: Final = {
    "median answer": "answer_p50",
    "95 % answered within": "answer_p95",
    "99 % promised within": "promise_p99",
    "drain ÷ ideal": "drain_ratio",
    "attempts ÷ recorded": "attempts_ratio",
    "most at the server": "max_outstanding",
    "times tipped over": "collapses",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One run as one of the two tells it."""

    verdict: Verdict
    figures: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Pair:
    """One run, real and simulated; it lasted `seconds` until the last arrival."""

    seconds: float
    real: Told
    simulated: Told

    def ratio(self, figure: str) -> float | None:
        """Simulated ÷ real; None: there is nothing to compare."""
        real, simulated = self.real.figures[figure], self.simulated.figures[figure]
        if real is None or simulated is None or not real:
            return None
        return simulated / real

    def agrees(self, figure: str) -> bool:
        """Whether they are as close as wanted, or neither has anything to tell."""
        ratio = self.ratio(figure)
        if ratio is None:
            return self.real.figures[figure] == self.simulated.figures[figure]
        return abs(ratio - 1) <= WITHIN[figure]


def told(evidence: Evidence) -> Told:
    """What a run tells, real or simulated."""
    verdict = decide(evidence)
    peak, drained = _peak(evidence)
    drain = verdict.measures["drain_seconds"]
    figures: dict[str, Figure] = {
        RECORDED: verdict.measures["recorded"],
        PEAK: peak,
        DRAIN: drained if drain is None else drain,
    }
    figures |= {name: verdict.measures[measure] for name, measure in SHOWN.items()}
    return Told(verdict, figures)


def _peak(evidence: Evidence) -> tuple[float, float]:
    """The most citizens that waited at once, and the seconds from then until none did.

    None means: no more than the server has workers, as for `drain_seconds`.
    """
    came, recorded = timelines(evidence)
    waiting = ((number + 1 - bisect_right(recorded, at), at) for number, at in enumerate(came))
    most, at = max(waiting, key=lambda each: each[0])
    return most, time_to_drain(came, recorded, at, evidence.servers[0].workers)


def page(pairs: Sequence[Pair], command: str) -> str:
    """The page, as Markdown."""
    return "\n".join((*_head(command), *_table(pairs), *_more(pairs), ""))


def _head(command: str) -> Iterable[str]:
    yield "# Does the simulation agree with the real run?"
    yield ""
    yield f"Made by `{command}`; do not edit by hand."
    yield ""
    peak, drain = WITHIN[PEAK], WITHIN[DRAIN]
    yield "Each scenario was driven twice with the same citizens at the same moments: for real, by"
    yield "processes, sockets and a journal on a disk, and under virtual time, where the gateway's"
    yield "own code, the desks' decisions and the recording server's model are the same, and only"
    yield "what carries their words is simulated. One judge read both pairs of logs. Wanted: the"
    yield f"same number recorded, the backlog's peak within {peak:.0%}, the drain time within"
    yield f"{drain:.0%}. A real run is one of `python -m loadtests run` or `compare`, by way of the"
    yield "gateway."
    yield ""


def _table(pairs: Sequence[Pair]) -> Iterable[str]:
    yield "| scenario | seed | figure | real | simulated | simulated ÷ real | agree |"
    yield "|---|---:|---|---:|---:|---:|---|"
    for pair in pairs:
        yield from _rows(pair, WITHIN)
    each = [pair.agrees(figure) for pair in pairs for figure in WITHIN]
    yield ""
    yield f"{sum(each)} of {len(each)} figures of {len(pairs)} runs agree."
    yield "The drain time runs from the server's return, or, where it was never down, from the"
    yield "backlog's peak, until no more wait than the server has workers."


def _more(pairs: Sequence[Pair]) -> Iterable[str]:
    yield ""
    yield "## Further figures of the same runs"
    yield ""
    yield "| scenario | seed | figure | real | simulated | simulated ÷ real |"
    yield "|---|---:|---|---:|---:|---:|"
    for pair in pairs:
        yield from _rows(pair, SHOWN)
        words = (_verdict(each.verdict) for each in (pair.real, pair.simulated))
        yield f"| {_name(pair)} | {pair.real.verdict.seed} | verdict | {' | '.join(words)} | |"


def _rows(pair: Pair, figures: Iterable[str]) -> Iterable[str]:
    for figure in figures:
        ratio = pair.ratio(figure)
        cells = [_name(pair), str(pair.real.verdict.seed), figure]
        cells += [_figure(figure, each.figures[figure]) for each in (pair.real, pair.simulated)]
        cells.append("" if ratio is None else f"{ratio:.3f}")
        if figure in WITHIN:
            cells.append("yes" if pair.agrees(figure) else "**no**")
        yield f"| {' | '.join(cells)} |"


def _verdict(verdict: Verdict) -> str:
    missed = ", ".join(check.target.measure for check in verdict.checks if not check.passed)
    word = verdict.sentence.partition(":")[0]
    return f"{word}: {missed}" if missed else word


def _name(pair: Pair) -> str:
    return f"`{pair.real.verdict.scenario}`, {duration(pair.seconds)}"


def _figure(name: str, value: Figure) -> str:
    if value is None:
        return ""
    seconds = name == DRAIN or SHOWN.get(name, "").startswith(("answer", "promise"))
    return f"{value:,.3g} s" if seconds else say(value)
