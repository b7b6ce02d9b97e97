"""Were those served first who were promised first? Pure, over the evidence.

It looks at the backlog alone: enrollments that the server received after their station had its
promise. A live one, whose station still waits for the server's own answer, is never counted, on
neither side: those go newest first on purpose.

A is before B only when both have one priority and A was promised before B was first sent: between
two that were on the way together no order was ever agreed, as in `loadtests.audit`. B overtook A
if the server received it first while A could have gone: promised, and with nothing of its ordering
key before it unanswered. What the server turned away and got again later counts as overtaken too:
the ledger does not tell these apart.

Up to a window of enrollments is on the way to the server at once, and among those chance decides.
So one counts as an inversion only if more overtook it than were ever outstanding at the server.
"""

from bisect import bisect, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from loadtests.evidence import Case


@dataclass(frozen=True, slots=True)
class Order:
    """What became of oldest first: `backlog` deliveries, and how many had how much pass them.

    `overtaken` had one later enrollment pass them or more, `inversions` more than `at_once`, and
    `most` passed a single one.
    """

    backlog: int
    overtaken: int
    inversions: int
    most: int


def order(cases: Iterable[Case], *, at_once: int) -> Order:
    """Count who was overtaken; `at_once` enrollments may be on the way together."""
    lines: defaultdict[int, list[_Turn]] = defaultdict(list)
    for turn in _turns(cases):
        lines[turn.priority].append(turn)
    passed = [count for line in lines.values() for count in _passed(line)]
    return Order(
        backlog=len(passed),
        overtaken=sum(count > 0 for count in passed),
        inversions=sum(count > at_once for count in passed),
        most=max(passed, default=0),
    )


@dataclass(frozen=True, slots=True)
class _Turn:
    """One delivery from the backlog: it could go from `ready` on, and went at `gone`."""

    priority: int
    sent: float
    promised: float
    ready: float
    gone: float


def _turns(cases: Iterable[Case]) -> Iterator[_Turn]:
    """What was promised before the server had it, in no order."""
    followed = _answered_before(cases := list(cases))
    for case in cases:
        promised, gone = case.promised_at, case.received_at
        if promised is not None and gone is not None and promised < gone:
            ready = max(promised, followed.get(case.key, promised))
            yield _Turn(case.priority, case.sent_at, promised, min(ready, gone), gone)


def _answered_before(cases: Iterable[Case]) -> dict[str, float]:
    """By key: when the one before it of the same station and ordering key was recorded."""
    groups: defaultdict[tuple[str, str], list[tuple[float, float, str]]] = defaultdict(list)
    for case in cases:
        if case.ordering_key is not None and case.received_at is not None:
            done = case.recorded_at or case.received_at
            groups[case.station, case.ordering_key].append((case.received_at, done, case.key))
    return {
        later[2]: earlier[1]
        for group in groups.values()
        for earlier, later in pairwise(sorted(group))
    }


def _passed(turns: list[_Turn]) -> list[int]:
    """For each: how many that were first sent after its promise went in [ready, gone).

    Time is swept once. `sent` holds when those were sent that have gone so far; what began later
    mostly goes later, so that they come nearly sorted and cost little to keep so.
    """
    moments = [(at, False, i) for i, turn in enumerate(turns) for at in (turn.ready, turn.gone)]
    moments += [(turn.gone, True, i) for i, turn in enumerate(turns)]
    moments.sort()
    sent: list[float] = []
    passed = [0] * len(turns)
    for _, goes, i in moments:
        if goes:
            insort(sent, turns[i].sent)
        else:
            passed[i] = len(sent) - bisect(sent, turns[i].promised) - passed[i]
    return passed
