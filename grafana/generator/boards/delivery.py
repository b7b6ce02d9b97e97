"""Delivery and recovery: how the gateway brings the server back and keeps it up."""

from typing import Final

from grafana.generator import meaning, queries
from grafana.generator.meaning import rising
from grafana.generator.model import Dashboard, Kind, Panel, Query, Section, Step
from grafana.generator.queries import gateway, quotient, rate

_FINISHED: Final = 'outcome=~"delivered|rejected"'

_UPSTREAM: Final = Section(
    "The recording server",
    (
        Panel(
            question="What does the gateway think of the server?",
            description="Away: one canary at a time. Slow start: more after each measurement. "
            "Steady: near its capacity. Paused: nothing is sent.",
            kind=Kind.STATES,
            unit=meaning.WORDS,
            queries=meaning.UPSTREAM_STATE,
            words=meaning.STATES,
            width=24,
            height=5,
        ),
        Panel(
            question="How much may be outstanding, and how much is?",
            description="The window is what the server is trusted with; outstanding counts cut and "
            "timed-out attempts too, as the server may still work on them. Outstanding is never "
            "above the window.",
            unit=meaning.COUNT,
            queries=(
                Query(gateway("window"), "window {{instance}}"),
                Query(gateway("outstanding"), "outstanding {{instance}}"),
            ),
        ),
        Panel(
            question="How often does the gateway change its mind?",
            description="Changes per second of what it thinks of the server, by what it thought "
            "before and after. Many a minute: the window is at a cliff, or the server flaps.",
            unit=meaning.PER_SECOND,
            queries=(
                Query(
                    rate(gateway("upstream_transitions_total"), "from_state", "to_state") + " > 0",
                    "{{from_state}} to {{to_state}}",
                ),
            ),
        ),
    ),
)

_ATTEMPTS: Final = Section(
    "Attempts",
    (
        Panel(
            question="What comes of the attempts?",
            description="Delivered is the aim; rejected is the server's final no to one "
            "enrollment. Refused, not sent and in doubt are tried again.",
            unit=meaning.PER_SECOND,
            queries=(Query(rate(gateway("attempts_total"), "outcome"), "{{outcome}}"),),
            colours=meaning.OUTCOME_COLOURS,
            stacked=True,
        ),
        Panel(
            question="How many attempts does one enrollment take?",
            description="Attempts for each one that came to an end; a gap: none did. Outside "
            "outages at most 1.1; above it the gateway itself burdens the server.",
            unit=meaning.COUNT,
            queries=(
                Query(
                    quotient(
                        rate(gateway("attempts_total")), rate(gateway("attempts_total", _FINISHED))
                    ),
                    "attempts",
                ),
            ),
            steps=rising(1.1, 2),
        ),
        Panel(
            question="How long does the server take?",
            description="Delivered attempts, from the first byte to the answer. Growing with the "
            "window: it only queues. Above 10 seconds stations no longer get its own answer.",
            unit=meaning.SECONDS,
            queries=tuple(
                Query(
                    queries.quantile(
                        share, "attempt_duration_seconds", where='outcome="delivered"'
                    ),
                    name,
                )
                for share, name in ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
            ),
            steps=rising(10, 30),
        ),
        Panel(
            question="How long do failed attempts hold their slots?",
            description="95 % of the attempts that were not delivered took at most this long. Near "
            "the attempt timeout (30 s): the server accepts and says nothing.",
            unit=meaning.SECONDS,
            queries=(
                Query(
                    queries.quantile(
                        0.95, "attempt_duration_seconds", "outcome", where='outcome!="delivered"'
                    ),
                    "{{outcome}}",
                ),
            ),
            steps=rising(10, 30),
            colours=meaning.OUTCOME_COLOURS,
        ),
    ),
)

_DOUBT: Final = Section(
    "In doubt, and left to people",
    (
        Panel(
            question="How many are in doubt?",
            description="Sent without a clean answer: recorded or not. It must fall again after an "
            "outage. Growing while the server is up: it neither honours keys nor answers lookups.",
            unit=meaning.COUNT,
            queries=(Query(gateway("enrollments", 'status="in_doubt"'), "{{instance}}"),),
            steps=rising(1, 257),
        ),
        Panel(
            question="How are doubts settled?",
            description="By sending again with the same key, by a lookup, or by an operator.",
            unit=meaning.PER_SECOND,
            queries=(Query(rate(gateway("in_doubt_resolved_total"), "by"), "{{by}}"),),
        ),
        Panel(
            question="Why were enrollments left to a person?",
            description="New dead letters in the time shown, by reason. None is the only good "
            "number.",
            kind=Kind.STAT,
            unit=meaning.COUNT,
            queries=(Query(queries.growth(gateway("dead_letters_total"), "reason"), "{{reason}}"),),
            # Extrapolated from scrapes, so one may show as a little less.
            steps=(Step(None, meaning.GOOD), Step(0.5, meaning.BAD)),
        ),
        Panel(
            question="When will what waits now be delivered?",
            description="At the rate measured at each moment; a gap: not known, the server is "
            "away. It must fall after a return.",
            unit=meaning.SECONDS,
            queries=(Query(gateway("drain_seconds_estimate"), "{{instance}}"),),
            steps=rising(3600, 28_800),
        ),
        Panel(
            question="How long does an enrollment take to be recorded?",
            description="From accepted to recorded, of those recorded at that moment. After an "
            "outage the oldest come first, so it jumps up and then falls.",
            unit=meaning.SECONDS,
            queries=tuple(
                Query(queries.quantile(share, "delivery_duration_seconds"), name)
                for share, name in ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
            ),
            steps=meaning.UNDELIVERED_AGE,
            width=24,
        ),
    ),
)

DELIVERY: Final = Dashboard(
    uid="enrollment-gateway-delivery",
    folder="operations",
    title="Delivery and recovery",
    description="Why enrollments are delivered as fast, or as slowly, as they are.",
    span="3h",
    refresh="30s",
    sections=(_UPSTREAM, _ATTEMPTS, _DOUBT),
)
