"""What the recording server is asked for, and how it bears it."""

from typing import Final

from gateway.clock import Clock
from gateway.core import facts
from gateway.core.admission import Outlook
from gateway.core.decide import IN_DOUBT, TOO_OLD, UNREADABLE
from gateway.core.ids import minted_at
from gateway.core.lifecycle import Status
from gateway.core.outcome import Outcome
from gateway.observe.series.making import OTHER, WAITS, Counts, Maker, series

DEAD_LETTER_REASONS: Final = (TOO_OLD, IN_DOUBT, UNREADABLE, "operator")
DELIVERY_WAITS: Final = (0.25, 1, 10, 30, 60, 300, 600, 1800, 3600, 14_400, 86_400, 604_800)


class DeliverySeries:
    """Moved by the facts of delivery; its levels are handed in."""

    def __init__(self, make: Maker, clock: Clock) -> None:
        self._clock = clock
        self._attempts = series(
            make.counter("attempts_total", "Tries to deliver, by what came of them.", "outcome"),
            outcome=Outcome,
        )
        self._attempt_duration = series(
            make.histogram(
                "attempt_duration_seconds", "One try to deliver, to its end.", WAITS, "outcome"
            ),
            outcome=Outcome,
        )
        self._delivery_duration = make.histogram(
            "delivery_duration_seconds", "From accepted to recorded by the server.", DELIVERY_WAITS
        ).labels()
        self._in_doubt_resolved = series(
            make.counter(
                "in_doubt_resolved_total",
                "In-doubt enrollments of which it is known now whether they were recorded.",
                "by",
            ),
            by=("resend", "lookup", "operator"),
        )
        self._dead_letters = series(
            make.counter("dead_letters_total", "Enrollments left to a person.", "reason"),
            reason=(*DEAD_LETTER_REASONS, OTHER),
        )
        self._window = make.gauge("window", "Attempts that may be outstanding at the upstream.")
        self._outstanding = make.gauge(
            "outstanding", "Attempts outstanding at the upstream, ghosts included."
        )
        self._upstream_state = series(
            make.gauge("upstream_state", "1 for what is thought of the upstream.", "state"),
            state=facts.UpstreamState,
        )
        self._transitions = series(
            make.counter(
                "upstream_transitions_total",
                "Changes of what is thought of the upstream.",
                "from_state",
                "to_state",
            ),
            from_state=facts.UpstreamState,
            to_state=facts.UpstreamState,
        )
        self._delivering = make.gauge(
            "delivering", "1 at the gateway that delivers; 0 where another one on its journal does."
        )
        self._drain = make.gauge(
            "drain_seconds_estimate",
            "Seconds until what waits now is delivered; NaN while nothing is known.",
        )
        self.counts: Counts = {
            facts.AttemptFinished: self._attempted,
            facts.EnrollmentSettled: self._settled,
            facts.DoubtResolved: self._resolved,
            facts.UpstreamStateChanged: self._moved,
        }

    def _attempted(self, fact: facts.AttemptFinished) -> None:
        self._attempts[fact.outcome,].inc()
        self._attempt_duration[fact.outcome,].observe(fact.duration, fact.trace_id)

    def _resolved(self, fact: facts.DoubtResolved) -> None:
        self._in_doubt_resolved[fact.by,].inc()

    def _moved(self, fact: facts.UpstreamStateChanged) -> None:
        self._transitions[fact.from_state, fact.to_state].inc()

    def _settled(self, fact: facts.EnrollmentSettled) -> None:
        if fact.status is Status.DELIVERED:
            seconds = max(0.0, self._clock.now() - minted_at(fact.id))
            self._delivery_duration.observe(seconds, fact.trace_id)
        elif fact.status is Status.DEAD_LETTER:
            reason = fact.reason if fact.reason in DEAD_LETTER_REASONS else OTHER
            self._dead_letters[reason,].inc()

    def set_outlook(self, outlook: Outlook) -> None:
        """Set the levels of delivery."""
        self._window.set(outlook.window)
        self._outstanding.set(outlook.outstanding)
        self._delivering.set(outlook.here)
        for (state,), gauge in self._upstream_state.items():
            gauge.set(state == outlook.state)
        drain = outlook.drain_seconds
        self._drain.set(float("nan") if drain is None else drain)
