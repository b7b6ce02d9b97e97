"""Intake: what stations ask for, and what they get."""

from typing import Final

from grafana.generator import meaning, queries
from grafana.generator.meaning import rising
from grafana.generator.model import Dashboard, Panel, Query, Section
from grafana.generator.queries import STATE_CHANGING, gateway, rate

_REFUSED: Final = gateway("requests_total", f'{STATE_CHANGING}, outcome="refused"')
_REJECTED: Final = gateway("requests_total", 'outcome="rejected"')

_RATES: Final = Section(
    "Rates",
    (
        Panel(
            question="What do stations get?",
            description="Answered: the server's own answer. Accepted: a receipt. Replayed: the "
            "answer of before. Relayed: a read passed through. Rejected: the request was wrong. "
            "Refused: no promise was possible.",
            unit=meaning.PER_SECOND,
            queries=(Query(rate(gateway("requests_total"), "outcome"), "{{outcome}}"),),
            colours=meaning.REQUEST_COLOURS,
            stacked=True,
        ),
        Panel(
            question="What do stations ask for?",
            description="Requests by method. Only those that change something become enrollments.",
            unit=meaning.PER_SECOND,
            queries=(Query(rate(gateway("requests_total"), "method") + " > 0", "{{method}}"),),
            stacked=True,
        ),
        Panel(
            question="How many new enrollments come in?",
            description="Made durable per second, on each gateway.",
            unit=meaning.PER_SECOND,
            queries=(
                Query(rate(gateway("accept_duration_seconds_count"), "instance"), "{{instance}}"),
            ),
        ),
        Panel(
            question="How often do officers send the same again?",
            description="Requests with a key that the journal knows; they became no second "
            "enrollment. A surge: officers press enter again and again.",
            unit=meaning.PER_SECOND,
            queries=(Query(rate(gateway("duplicates_absorbed_total")), "absorbed"),),
        ),
    ),
)

_WAITS: Final = Section(
    "Waits",
    (
        Panel(
            question="How long do stations wait?",
            description="95 % of the requests, by what came of them. Up to 10 s (the hold) a "
            "station waits for the server's own answer. A slow uplink counts too.",
            unit=meaning.SECONDS,
            queries=(
                Query(queries.quantile(0.95, "request_duration_seconds", "outcome"), "{{outcome}}"),
            ),
            steps=rising(10, 60),
            colours=meaning.REQUEST_COLOURS,
        ),
        Panel(
            question="How soon is a promise possible?",
            description="From the last body byte to durable: the gateway's own share of the wait.",
            unit=meaning.SECONDS,
            queries=tuple(
                Query(queries.quantile(share, "accept_duration_seconds"), name)
                for share, name in ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
            ),
            steps=rising(0.25, 1),
        ),
    ),
)

_REFUSALS: Final = Section(
    "Refusals",
    (
        Panel(
            question="What share of the enrollments is refused?",
            description="Of the requests that change something. Each is an officer who must send "
            "again: from one in a thousand look why.",
            unit=meaning.SHARE,
            queries=(
                Query(
                    f"{rate(_REFUSED)} / {rate(gateway('requests_total', STATE_CHANGING))}",
                    "refused",
                ),
            ),
            steps=rising(0.001, 0.01),
            colours={"refused": meaning.BAD},
        ),
        Panel(
            question="What share of the requests is wrong?",
            description="Rejected: bad framing, a key used for something else, no token, too "
            "large; and the server's own final no. A new client version often shows here first.",
            unit=meaning.SHARE,
            queries=(
                Query(
                    f"{rate(_REJECTED)} / {rate(gateway('requests_total'))}",
                    "rejected",
                ),
            ),
            steps=rising(0.05, 0.2),
        ),
        Panel(
            question="Is the gateway itself too busy?",
            description="How much later than asked its event loop woke up: every request waits for "
            "this on top of its own work.",
            unit=meaning.SECONDS,
            queries=(
                Query(queries.quantile(0.99, "event_loop_lag_seconds", "instance"), "{{instance}}"),
            ),
            steps=rising(0.05, 0.25),
            width=24,
        ),
    ),
)

INTAKE: Final = Dashboard(
    uid="enrollment-gateway-intake",
    folder="operations",
    title="Intake",
    description="What stations ask for, how long they wait, and whether they are turned away.",
    span="3h",
    refresh="30s",
    sections=(_RATES, _WAITS, _REFUSALS),
)
