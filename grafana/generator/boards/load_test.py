"""Load test: what was offered, accepted and recorded, on one axis.

Must not feed a verdict: that is made from the two logs of a run alone.
"""

from typing import Final

from grafana.generator import meaning
from grafana.generator.meaning import rising
from grafana.generator.model import Dashboard, Kind, Panel, Query, Section, Text
from grafana.generator.queries import gateway, growth, levels, quotient, rate, server, stations

_OFFERED: Final = stations("requests_total", 'method="POST"')
_ACCEPTED: Final = gateway("accept_duration_seconds_count")
_RECORDED: Final = server("recorded_total")
_COLOURS: Final = {
    "offered": "purple",
    "accepted": meaning.CALM,
    "recorded": meaning.GOOD,
    "capacity": "gray",
    "refused": meaning.LOOK,
}

_FLOW: Final = Section(
    "From station to record",
    (
        Panel(
            question="How much is offered, accepted and recorded?",
            description="Offered: what stations sent, repeats too, by Locust's count, counted when "
            "answered. Accepted: new enrollments made durable, by the gateway's. Recorded: effects "
            "at the server, by its own. In an outage recorded falls to zero and accepted does not; "
            "afterwards recorded lies above accepted until the backlog is gone.",
            unit=meaning.PER_SECOND,
            queries=(
                Query(rate(_OFFERED), "offered"),
                Query(rate(_ACCEPTED), "accepted"),
                Query(rate(_RECORDED), "recorded"),
            ),
            colours=_COLOURS,
            width=24,
            height=10,
        ),
        Panel(
            question="How many in all, in the time shown?",
            description="Estimated from scrapes. When the backlog is gone, recorded equals "
            "accepted but for what the server rejected; the run's verdict tells exactly.",
            kind=Kind.STAT,
            unit=meaning.COUNT,
            queries=(
                Query(growth(_OFFERED), "offered"),
                Query(growth(_ACCEPTED), "accepted"),
                Query(growth(_RECORDED), "recorded"),
            ),
            steps=meaning.NEUTRAL,
        ),
        Panel(
            question="How much waits in between?",
            description="Undelivered enrollments in the journal of each gateway.",
            unit=meaning.COUNT,
            queries=meaning.BACKLOG,
        ),
        Panel(
            question="Do stations see anything fail?",
            description="Requests of stations that ended without an answer or with an error, by "
            "Locust's count. Through the gateway none should, in an outage neither.",
            unit=meaning.PER_SECOND,
            queries=(Query(rate(stations("failures_total"), "method"), "{{method}}"),),
            steps=rising(0.001, 0.1),
        ),
        Panel(
            question="How many stations are at work?",
            description="Desks that Locust plays. They go home when their citizens are decided.",
            unit=meaning.COUNT,
            queries=(Query(stations("users"), "stations"),),
        ),
    ),
)

_SERVER: Final = Section(
    "The simulated recording server",
    (
        Panel(
            question="Was the server really up?",
            description="By its own word, against what the gateway thought: the page on delivery "
            "shows that. The gateway may know later, never much.",
            kind=Kind.STATES,
            unit=meaning.WORDS,
            queries=(Query(server("up"), "server"),),
            words={1: Text("up", meaning.GOOD), 0: Text("down", meaning.BAD)},
            width=24,
            height=4,
        ),
        Panel(
            question="How much of its capacity is used?",
            description="Recorded per second against what it can record now. After a return 95 % "
            "is to be reached within 30 seconds.",
            unit=meaning.PER_SECOND,
            queries=(
                Query(rate(_RECORDED), "recorded"),
                Query(server("capacity_per_second"), "capacity"),
            ),
            colours=_COLOURS,
        ),
        Panel(
            question="How much is in the server's hands?",
            description="Outstanding by its own count, and the window that the gateways allow. Its "
            "own count above the window: there are other clients.",
            unit=meaning.COUNT,
            queries=(
                Query(server("outstanding"), "in its hands"),
                Query(levels(gateway("outstanding")), "outstanding"),
                Query(levels(gateway("window")), "window"),
            ),
        ),
        Panel(
            question="What does it turn away?",
            description="Arrived and refused per second. In an outage: one canary at a time, so "
            "well below one a second for each gateway.",
            unit=meaning.PER_SECOND,
            queries=(
                Query(rate(server("received_total")), "received"),
                Query(rate(server("refused_total")), "refused"),
            ),
            colours=_COLOURS,
        ),
        Panel(
            question="How many requests reach it for each record?",
            description="Received for each one recorded; a gap: none was. Outside outages at most "
            "1.1.",
            unit=meaning.COUNT,
            queries=(Query(quotient(rate(server("received_total")), rate(_RECORDED)), "requests"),),
            steps=rising(1.1, 2),
        ),
    ),
)

LOAD_TEST: Final = Dashboard(
    uid="enrollment-gateway-load-test",
    folder="load-tests",
    title="Load test",
    description="For whoever runs the lab: the gateway and the simulated server side by side.",
    span="30m",
    refresh="5s",
    sections=(_FLOW, _SERVER),
)
