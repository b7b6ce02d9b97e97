"""The page to open first: is anyone's enrollment at risk?"""

from typing import Final

from grafana.generator import meaning, queries
from grafana.generator.meaning import rising
from grafana.generator.model import Dashboard, Kind, Panel, Query, Section, Step
from grafana.generator.queries import gateway

_NOW: Final = Section(
    "Now",
    (
        Panel(
            question="How many gateways answer?",
            description="Gateways seen by Prometheus. None: stations cannot hand in anything, and "
            "every other number here is old.",
            kind=Kind.STAT,
            unit=meaning.COUNT,
            queries=(Query(f"count({gateway('build_info')}) or vector(0)", "gateways"),),
            steps=(Step(None, meaning.BAD), Step(1, meaning.GOOD)),
            width=6,
            height=4,
        ),
        Panel(
            question="Can the recording server be reached?",
            description="What the gateway thinks of it. Away: enrollments are kept and delivered "
            "later, nobody needs to send again. Paused: by an operator, or for a fault that hits "
            "every enrollment alike.",
            kind=Kind.STAT,
            unit=meaning.WORDS,
            queries=meaning.UPSTREAM_STATE,
            steps=meaning.NEUTRAL,
            words=meaning.STATES,
            width=6,
            height=4,
        ),
        Panel(
            question="How old is the oldest enrollment not yet delivered?",
            description="An outage of five minutes is usual. Above 10 minutes look why; above an "
            "hour a citizen may have been sent home without a record.",
            kind=Kind.STAT,
            unit=meaning.SECONDS,
            queries=(Query(gateway("oldest_undelivered_age_seconds"), "{{instance}}"),),
            steps=meaning.UNDELIVERED_AGE,
            unknown=meaning.NO_ANSWER,
            width=6,
            height=4,
        ),
        Panel(
            question="How many need a person?",
            description="Dead letters: kept, but nothing more happens to them until an operator "
            "requeues or cancels each. None is the only good number.",
            kind=Kind.STAT,
            unit=meaning.COUNT,
            queries=(Query(gateway("enrollments", 'status="dead_letter"'), "{{instance}}"),),
            steps=(Step(None, meaning.GOOD), Step(1, meaning.BAD)),
            unknown=meaning.NO_ANSWER,
            width=6,
            height=4,
        ),
        Panel(
            question="How many wait to be delivered?",
            description="Pending, sending or in doubt. They are safe in the journal; the age and "
            "the time left tell whether it matters.",
            kind=Kind.STAT,
            unit=meaning.COUNT,
            queries=meaning.BACKLOG,
            steps=meaning.NEUTRAL,
            unknown=meaning.NO_ANSWER,
            width=6,
            height=4,
        ),
        Panel(
            question="When will the backlog be gone?",
            description="At the rate measured now. Not known while the server is away. Above an "
            "hour look why; above eight hours it is not gone within a working day.",
            kind=Kind.STAT,
            unit=meaning.SECONDS,
            queries=(Query(gateway("drain_seconds_estimate"), "{{instance}}"),),
            steps=rising(3600, 28_800),
            unknown=meaning.NOT_YET,
            width=6,
            height=4,
        ),
        Panel(
            question="How many may or may not be recorded?",
            description="In doubt: bytes were sent and no clean answer came. A few after an outage "
            "are usual and settle by themselves; more than a full window (256) are not.",
            kind=Kind.STAT,
            unit=meaning.COUNT,
            queries=(Query(gateway("enrollments", 'status="in_doubt"'), "{{instance}}"),),
            steps=rising(1, 257),
            unknown=meaning.NO_ANSWER,
            width=6,
            height=4,
        ),
        Panel(
            question="How full is the journal?",
            description="Bytes taken of those allowed. A full journal refuses new enrollments and "
            "keeps those it has.",
            kind=Kind.STAT,
            unit=meaning.SHARE,
            queries=(
                Query(
                    f"{gateway('journal_bytes')} / {gateway('journal_limit_bytes')}", "{{instance}}"
                ),
            ),
            steps=rising(0.7, 0.9),
            unknown=meaning.NO_ANSWER,
            width=6,
            height=4,
        ),
    ),
)

_COURSE: Final = Section(
    "Over time",
    (
        Panel(
            question="When was the recording server away?",
            description="What each gateway thought of the server. A return goes through a slow "
            "start to steady; away again and again means that something else tips it over.",
            kind=Kind.STATES,
            unit=meaning.WORDS,
            queries=meaning.UPSTREAM_STATE,
            words=meaning.STATES,
            width=24,
            height=5,
        ),
        Panel(
            question="Does the backlog grow or shrink?",
            description="Undelivered enrollments of each gateway. It grows while the server is "
            "away and must shrink after its return.",
            unit=meaning.COUNT,
            queries=meaning.BACKLOG,
        ),
        Panel(
            question="Are as many delivered as come in?",
            description="New enrollments made durable, and enrollments the server recorded. "
            "Delivered below accepted for long: the backlog grows.",
            unit=meaning.PER_SECOND,
            queries=(
                Query(queries.rate(gateway("accept_duration_seconds_count")), "accepted"),
                Query(queries.rate(gateway("attempts_total", 'outcome="delivered"')), "delivered"),
            ),
            colours={"accepted": meaning.CALM, "delivered": meaning.GOOD},
        ),
        Panel(
            question="How old does the oldest undelivered one get?",
            description="It rises by a second a second while nothing is delivered, and falls when "
            "the oldest are served.",
            unit=meaning.SECONDS,
            queries=(Query(gateway("oldest_undelivered_age_seconds"), "{{instance}}"),),
            steps=meaning.UNDELIVERED_AGE,
        ),
        Panel(
            question="Are stations turned away?",
            description="Requests for which no promise was possible: journal full or silent, or "
            "too much in memory. Anything above zero is an officer who must send again.",
            unit=meaning.PER_SECOND,
            queries=(
                Query(queries.rate(gateway("requests_total", 'outcome="refused"')), "refused"),
            ),
            steps=rising(0.001, 0.1),
            colours={"refused": meaning.BAD},
        ),
    ),
)

_PROMISES: Final = Section(
    "Promises kept in the time shown",
    (
        Panel(
            question="What share was safe within a quarter of a second?",
            description="From an enrollment's last body byte to durable in the journal.",
            kind=Kind.STAT,
            unit=meaning.SHARE,
            queries=(Query(queries.share_within(0.25, "accept_duration_seconds"), "safe in time"),),
            steps=meaning.falling(0.95, 0.99),
            unknown=meaning.NOTHING,
            height=4,
        ),
        Panel(
            question="What share was recorded within ten minutes?",
            description="From accepted to recorded by the server: an outage of five minutes and "
            "the drain after it fit into this.",
            kind=Kind.STAT,
            unit=meaning.SHARE,
            queries=(
                Query(queries.share_within(600, "delivery_duration_seconds"), "recorded in time"),
            ),
            steps=meaning.falling(0.95, 0.99),
            unknown=meaning.NOTHING,
            height=4,
        ),
    ),
)

RISK: Final = Dashboard(
    uid="enrollment-gateway-risk",
    folder="operations",
    title="Is anyone's enrollment at risk?",
    description="For whoever is on call. All green: nobody. Else the other pages tell why.",
    span="6h",
    refresh="30s",
    sections=(_NOW, _COURSE, _PROMISES),
)
