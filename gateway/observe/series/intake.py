"""What stations ask for, and what they get."""

from typing import Final

from gateway.core import facts
from gateway.observe.series.making import OTHER, WAITS, Counts, Maker, series

METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


class IntakeSeries:
    """Moved by the facts of intake."""

    def __init__(self, make: Maker) -> None:
        self._requests = series(
            make.counter("requests_total", "Stations' requests answered.", "method", "outcome"),
            method=(*METHODS, OTHER),
            outcome=facts.RequestOutcome,
        )
        self._request_duration = series(
            make.histogram(
                "request_duration_seconds",
                "From a station's request to the end of its answer.",
                WAITS,
                "outcome",
            ),
            outcome=facts.RequestOutcome,
        )
        self._accept_duration = make.histogram(
            "accept_duration_seconds", "From an enrollment's last body byte to durable.", WAITS
        ).labels()
        self._duplicates = make.counter(
            "duplicates_absorbed_total",
            "Enrollments that came again with a known key and became no second enrollment.",
        ).labels()
        self.counts: Counts = {
            facts.RequestFinished: self._finished,
            facts.EnrollmentAccepted: self._accepted,
            facts.DuplicateAbsorbed: self._absorbed,
        }

    def _finished(self, fact: facts.RequestFinished) -> None:
        method = fact.method if fact.method in METHODS else OTHER
        self._requests[method, fact.outcome].inc()
        self._request_duration[fact.outcome,].observe(fact.seconds)

    def _accepted(self, fact: facts.EnrollmentAccepted) -> None:
        self._accept_duration.observe(fact.seconds, fact.trace_id)

    def _absorbed(self, _fact: facts.DuplicateAbsorbed) -> None:
        self._duplicates.inc()
