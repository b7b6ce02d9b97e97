"""Both logs brought together: one case per enrollment, plus what is known of the run itself.

Pure: it takes records and returns what they say. It knows no file, no target and no verdict.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from loadtests.logs import (
    Answer,
    Dropped,
    End,
    LedgerEvent,
    Recorded,
    Run,
    Sample,
    Sent,
    SentEvent,
    Server,
    State,
    Told,
)

PROMISES: frozenset[Answer] = frozenset({"accepted", "pending", "delivered"})
FINAL: frozenset[Answer] = frozenset({"delivered", "rejected", "dead_letter"})


@dataclass(slots=True)
class Case:
    """One enrollment as both logs tell it; times in seconds, `None` for what never happened.

    `promised_at` is the first 2xx or 202, `answered_at` the first final answer, `final` the last
    one; `received_at`, `recorded_at` and `number` belong to the first effect, `effects` counts all.
    """

    key: str
    station: str
    ordering_key: str | None
    sha256: str
    bytes: int
    due: float
    sent_at: float
    attempts: int = 1
    promised_at: float | None = None
    answered_at: float | None = None
    delivered_at: float | None = None
    final: Answer | None = None
    effects: int = 0
    altered: int = 0
    received_at: float | None = None
    recorded_at: float | None = None
    number: int = 0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Outage:
    """The server was down from `start` to its return at `end` (`None`: it never came back)."""

    start: float
    end: float | None
    cause: str | None

    @property
    def own_doing(self) -> bool:
        """Whether load tipped the server over, as opposed to a fault in the script."""
        return self.cause == "collapse"


@dataclass(slots=True)
class Evidence:
    """All that the two logs say, small enough to hold for hundreds of thousands of enrollments."""

    runs: list[Run] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    cases: dict[str, Case] = field(default_factory=dict)
    invented: list[Recorded] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    lateness: "array[float]" = field(default_factory=lambda: array("d"))
    samples: list[Sample] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    effects: int = 0
    max_outstanding: int = 0
    run_comes_first: bool = False
    server_comes_first: bool = False
    last_at: float = 0.0

    @property
    def origin(self) -> float:
        """When the run began: wall clock, the zero of every time that people read."""
        return self.runs[0].time_origin if self.runs else 0.0


def gather(sent: Iterable[SentEvent], ledger: Iterable[LedgerEvent]) -> Evidence:
    """Read both logs once, the stations' first, and sort what they say by enrollment."""
    evidence = Evidence()
    first, events = _first(sent)
    evidence.run_comes_first = isinstance(first, Run)
    for event in events:
        _take_sent(evidence, event)
    start, effects = _first(ledger)
    evidence.server_comes_first = isinstance(start, Server)
    for effect in effects:
        _take_ledger(evidence, effect)
    evidence.outages = outages(evidence.states)
    return evidence


T = TypeVar("T")


def _first(events: Iterable[T]) -> tuple[T | None, Iterator[T]]:
    """The first event, and all of them."""
    rest = iter(events)
    first = next(rest, None)

    def again() -> Iterator[T]:
        if first is not None:
            yield first
            yield from rest

    return first, again()


def _take_sent(evidence: Evidence, event: SentEvent) -> None:
    match event:
        case Sent():
            _take_try(evidence, event)
        case Told():
            case = evidence.cases.get(event.key)
            if case is None:
                evidence.strays.append(event.key)
            else:
                _take_answer(case, event)
        case Run():
            evidence.runs.append(event)
        case Dropped():
            evidence.dropped.append(event)
        case End():
            evidence.ends.append(event)


def _take_try(evidence: Evidence, sent: Sent) -> None:
    case = evidence.cases.get(sent.key)
    if case is not None:
        case.attempts += 1
        return
    evidence.lateness.append(sent.at - sent.due)
    evidence.cases[sent.key] = Case(
        sent.key,
        sent.station,
        sent.ordering_key,
        sent.sha256,
        sent.bytes,
        sent.due,
        sent.at,
        priority=sent.priority,
    )
    evidence.last_at = max(evidence.last_at, sent.at)


def _take_answer(case: Case, told: Told) -> None:
    if told.told in PROMISES and case.promised_at is None:
        case.promised_at = told.at
    if told.told in FINAL:
        case.final = told.told
        if case.answered_at is None:
            case.answered_at = told.at
    if told.told == "delivered" and case.delivered_at is None:
        case.delivered_at = told.at


def _take_ledger(evidence: Evidence, event: LedgerEvent) -> None:
    evidence.last_at = max(evidence.last_at, event.at)
    match event:
        case Recorded():
            _take_effect(evidence, event)
        case Sample():
            evidence.samples.append(event)
            evidence.max_outstanding = max(evidence.max_outstanding, event.max_outstanding)
        case Server():
            evidence.servers.append(event)
        case State():
            evidence.states.append(event)


def _take_effect(evidence: Evidence, effect: Recorded) -> None:
    evidence.effects += 1
    evidence.max_outstanding = max(evidence.max_outstanding, effect.outstanding)
    cases = evidence.cases
    case = cases.get(effect.enrollment or "") or cases.get(effect.key or "")
    if case is None:
        evidence.invented.append(effect)
        return
    case.effects += 1
    if (effect.sha256, effect.bytes) != (case.sha256, case.bytes):
        case.altered += 1
    if case.recorded_at is None:
        case.received_at = effect.received_at
        case.recorded_at = effect.at
        case.number = effect.number


def outages(states: Iterable[State]) -> list[Outage]:
    """The times between a `down` and the first state that is not `down`."""
    found: list[Outage] = []
    down: State | None = None
    for state in states:
        if state.state == "down":
            down = down or state
        elif down is not None:
            found.append(Outage(down.at, state.at, down.cause))
            down = None
    if down is not None:
        found.append(Outage(down.at, None, down.cause))
    return found
