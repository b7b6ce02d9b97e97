"""The one catalogue of metrics: names, help texts, labels, buckets, and which fact moves which.

Must not know HTTP, the journal or the dispatcher. Counters and histograms move with facts, as
they happen; levels (gauges) are handed in when somebody looks, so a scrape costs the same at any
backlog. Every series whose labels are known beforehand exists from the start, at 0: a counter
that appears with its first increment hides that increment from ``rate()``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Literal, TypeAlias, TypeVar, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from gateway.clock import Clock
from gateway.core import facts
from gateway.core.admission import Outlook
from gateway.core.decide import IN_DOUBT, TOO_OLD, UNREADABLE
from gateway.core.ids import minted_at
from gateway.core.lifecycle import Status
from gateway.core.outcome import Outcome
from gateway.observe.exposition import Exposition

PREFIX: Final = "enrollment_gateway_"
METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
DEAD_LETTER_REASONS: Final = (TOO_OLD, IN_DOUBT, UNREADABLE, "operator")
OTHER: Final = "other"

# 0.25, 1, 10, 300, 600 and 3600 s are the edges that objectives are stated on: they must be here.
# 12 and 35 keep what ends at the usual hold (10 s) and attempt timeout (30 s) from looking longer.
WAITS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 12, 30, 35, 60, 300, 600, 3600)
DELIVERY_WAITS: Final = (0.25, 1, 10, 30, 60, 300, 600, 1800, 3600, 14_400, 86_400, 604_800)
SHORT: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
RECORDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

SpanOutcome: TypeAlias = Literal["exported", "dropped"]
_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)


@dataclass(frozen=True, slots=True)
class JournalLevels:
    """What the journal holds at one moment.

    Attributes:
        enrollments: how many stand at each status.
        oldest_age: seconds since the oldest undelivered one was accepted; 0 when there is none.
        used: bytes taken.
        limit: bytes allowed.
        free: bytes free on its disk; None when unknown.
        least_free: bytes that must stay free there.
    """

    enrollments: Mapping[Status, int]
    oldest_age: float
    used: int
    limit: int
    free: int | None
    least_free: int


def _series(metric: _Metric, **labels: Iterable[str]) -> dict[tuple[str, ...], _Metric]:
    """Every series of ``metric``, made now, found later by its label values in order."""
    return {values: metric.labels(*values) for values in product(*labels.values())}


def _exemplar(trace_id: str | None) -> dict[str, str] | None:
    """Leads from a bucket to a trace that is in it."""
    return None if trace_id is None else {"trace_id": trace_id}


class Metrics:
    """A registry of its own, filled from facts.

    Args:
        version: of the gateway.
        config_sha256: hex digest of the settings that are no secrets; its first 12 digits show
            on a dashboard whether two gateways run the same.
        clock: for the age of a delivery, and to be compared with other machines'.
    """

    def __init__(self, *, version: str, config_sha256: str, clock: Clock) -> None:
        # Its author left this one function without types.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._clock = clock
        self.registry = CollectorRegistry()
        self._exposition = Exposition(self.registry)
        self._define_intake()
        self._define_journal()
        self._define_delivery()
        self._counts: dict[type[facts.Fact], Callable[[Any], None]] = {
            facts.RequestFinished: self._finished,
            facts.JournalCommitted: self._committed,
            facts.EnrollmentAccepted: self._accepted,
            facts.AttemptFinished: self._attempted,
            facts.EnrollmentSettled: self._settled,
            facts.DuplicateAbsorbed: self._absorbed,
            facts.DoubtResolved: self._resolved,
            facts.UpstreamStateChanged: self._moved,
        }
        self._lag = self._histogram(
            "event_loop_lag_seconds", "How much later than asked the event loop woke up.", SHORT
        )
        self._time = self._gauge(
            "clock_timestamp_seconds", "The wall clock of the gateway's machine: Unix seconds."
        )
        self._certificates = self._gauge(
            "certificate_expiry_timestamp_seconds",
            "When the first certificate of a file in use expires: Unix seconds.",
            "file",
        )
        self._spans = _series(
            self._counter(
                "trace_spans_total",
                "Spans that a collector took, or that were dropped because it did not.",
                "outcome",
            ),
            outcome=get_args(SpanOutcome),
        )
        self._gauge("build_info", "1, with what runs.", "version").labels(version).set(1)
        self._gauge(
            "config_info", "1, with the settings in force, secrets left out, as a digest.", "sha256"
        ).labels(config_sha256[:12]).set(1)

    def _define_intake(self) -> None:
        self._requests = _series(
            self._counter("requests_total", "Stations' requests answered.", "method", "outcome"),
            method=(*METHODS, OTHER),
            outcome=facts.RequestOutcome,
        )
        self._request_duration = _series(
            self._histogram(
                "request_duration_seconds",
                "From a station's request to the end of its answer.",
                WAITS,
                "outcome",
            ),
            outcome=facts.RequestOutcome,
        )
        self._accept_duration = self._histogram(
            "accept_duration_seconds", "From an enrollment's last body byte to durable.", WAITS
        )
        self._duplicates = self._counter(
            "duplicates_absorbed_total",
            "Enrollments that came again with a known key and became no second enrollment.",
        )

    def _define_journal(self) -> None:
        self._ready = self._gauge("ready", "1 when a promise is possible: what /readyz says.")
        self._commit_duration = self._histogram(
            "journal_commit_duration_seconds", "One group commit, until durable.", SHORT
        )
        self._commit_records = self._histogram(
            "journal_commit_records", "Changes made durable by one group commit.", RECORDS
        )
        self._enrollments = _series(
            self._gauge("enrollments", "Enrollments in the journal, by status.", "status"),
            status=Status,
        )
        self._oldest = self._gauge(
            "oldest_undelivered_age_seconds",
            "Age of the oldest enrollment not yet delivered; 0 when there is none.",
        )
        self._bytes = self._gauge("journal_bytes", "Bytes taken by the journal.")
        self._limit_bytes = self._gauge("journal_limit_bytes", "Bytes the journal may take.")
        self._free_bytes = self._gauge(
            "journal_free_bytes", "Bytes free on the journal's disk; NaN when unknown."
        )
        self._least_free_bytes = self._gauge(
            "journal_min_free_bytes", "Bytes that must stay free there; below, nothing is accepted."
        )

    def _define_delivery(self) -> None:
        self._attempts = _series(
            self._counter("attempts_total", "Tries to deliver, by what came of them.", "outcome"),
            outcome=Outcome,
        )
        self._attempt_duration = _series(
            self._histogram(
                "attempt_duration_seconds", "One try to deliver, to its end.", WAITS, "outcome"
            ),
            outcome=Outcome,
        )
        self._delivery_duration = self._histogram(
            "delivery_duration_seconds", "From accepted to recorded by the server.", DELIVERY_WAITS
        )
        self._in_doubt_resolved = _series(
            self._counter(
                "in_doubt_resolved_total",
                "In-doubt enrollments of which it is known now whether they were recorded.",
                "by",
            ),
            by=("resend", "lookup", "operator"),
        )
        self._dead_letters = _series(
            self._counter("dead_letters_total", "Enrollments left to a person.", "reason"),
            reason=(*DEAD_LETTER_REASONS, OTHER),
        )
        self._window = self._gauge("window", "Attempts that may be outstanding at the upstream.")
        self._outstanding = self._gauge(
            "outstanding", "Attempts outstanding at the upstream, ghosts included."
        )
        self._upstream_state = _series(
            self._gauge("upstream_state", "1 for what is thought of the upstream.", "state"),
            state=facts.UpstreamState,
        )
        self._transitions = _series(
            self._counter(
                "upstream_transitions_total",
                "Changes of what is thought of the upstream.",
                "from_state",
                "to_state",
            ),
            from_state=facts.UpstreamState,
            to_state=facts.UpstreamState,
        )
        self._delivering = self._gauge(
            "delivering", "1 at the gateway that delivers; 0 where another one on its journal does."
        )
        self._drain = self._gauge(
            "drain_seconds_estimate",
            "Seconds until what waits now is delivered; NaN while nothing is known.",
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(PREFIX + name, text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(PREFIX + name, text, labels, registry=self.registry, buckets=buckets)

    def on_fact(self, fact: facts.Fact) -> None:
        """Count one fact. Called on the hot path: no I/O, no waiting, and no search."""
        count = self._counts.get(type(fact))
        if count is not None:
            count(fact)

    def _finished(self, fact: facts.RequestFinished) -> None:
        method = fact.method if fact.method in METHODS else OTHER
        self._requests[method, fact.outcome].inc()
        self._request_duration[fact.outcome,].observe(fact.seconds)

    def _committed(self, fact: facts.JournalCommitted) -> None:
        self._commit_duration.observe(fact.seconds)
        self._commit_records.observe(fact.records)

    def _accepted(self, fact: facts.EnrollmentAccepted) -> None:
        self._accept_duration.observe(fact.seconds, _exemplar(fact.trace_id))

    def _attempted(self, fact: facts.AttemptFinished) -> None:
        self._attempts[fact.outcome,].inc()
        self._attempt_duration[fact.outcome,].observe(fact.duration, _exemplar(fact.trace_id))

    def _absorbed(self, _fact: facts.DuplicateAbsorbed) -> None:
        self._duplicates.inc()

    def _resolved(self, fact: facts.DoubtResolved) -> None:
        self._in_doubt_resolved[fact.by,].inc()

    def _moved(self, fact: facts.UpstreamStateChanged) -> None:
        self._transitions[fact.from_state, fact.to_state].inc()

    def _settled(self, fact: facts.EnrollmentSettled) -> None:
        if fact.status is Status.DELIVERED:
            seconds = max(0.0, self._clock.now() - minted_at(fact.id))
            self._delivery_duration.observe(seconds, _exemplar(fact.trace_id))
        elif fact.status is Status.DEAD_LETTER:
            reason = fact.reason if fact.reason in DEAD_LETTER_REASONS else OTHER
            self._dead_letters[reason,].inc()

    def event_loop_lag(self, seconds: float) -> None:
        """Count one sample of the event loop's lag."""
        self._lag.observe(seconds)

    def spans(self, outcome: SpanOutcome, number: int) -> None:
        """Count what became of so many spans. Called by any thread."""
        self._spans[outcome,].inc(number)

    def certificate(self, file: str, expires_at: float) -> None:
        """Tell when a certificate in use expires. ``file``: the setting that names its file."""
        self._certificates.labels(file).set(expires_at)

    def set_ready(self, *, ready: bool) -> None:
        """Set whether a promise is possible."""
        self._ready.set(ready)

    def set_outlook(self, outlook: Outlook) -> None:
        """Set the levels of delivery."""
        self._window.set(outlook.window)
        self._outstanding.set(outlook.outstanding)
        self._delivering.set(outlook.here)
        for (state,), gauge in self._upstream_state.items():
            gauge.set(state == outlook.state)
        drain = outlook.drain_seconds
        self._drain.set(float("nan") if drain is None else drain)

    def set_journal(self, levels: JournalLevels | None) -> None:
        """Set the levels of the journal. None: it does not answer, and no old figure may stand."""
        nan = float("nan")
        for (status,), gauge in self._enrollments.items():
            gauge.set(levels.enrollments.get(Status(status), 0) if levels else nan)
        self._oldest.set(levels.oldest_age if levels else nan)
        self._bytes.set(levels.used if levels else nan)
        self._limit_bytes.set(levels.limit if levels else nan)
        self._free_bytes.set(levels.free if levels and levels.free is not None else nan)
        self._least_free_bytes.set(levels.least_free if levels else nan)

    def render(self, accept: str) -> tuple[bytes, str]:
        """The page and its content type: OpenMetrics where ``accept`` asks for it, else text."""
        self._time.set(self._clock.now())
        return self._exposition.page(accept)
