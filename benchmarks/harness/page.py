"""The page of the harness's own figures, as Markdown. Pure.

It has a section for each question, by heading. What is measured again takes the place of what stood
under the same heading; the others stay.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.harness.latency import Latency
from benchmarks.harness.limit import KEPT_SECONDS, Limit
from benchmarks.harness.stations import SHARES
from benchmarks.harness.workers import (
    ALIKE,
    COUNTED,
    FIGURES,
    SCENARIO,
    Workers,
    spreads,
    within_noise,
)
from loadtests.meanings import Figure
from loadtests.medians import Spread
from loadtests.targets import say
from loadtests.verdict import Verdict

TRUTH = "Latency against the truth"
FREEZE = "A server that freezes: open loop and closed loop"
LIMIT = "How much one machine can send"
WORKERS = "One Locust process and two"

Sections = Mapping[str, str]
"""Markdown by heading."""


def page(sections: Sections, machine: str) -> str:
    """The whole page, of the sections that there are."""
    head = (
        "# Is the load harness right?\n\n"
        "Made by `make bench-harness`; do not edit by hand.\n"
        f"Measured on {machine}. Ratios count: times depend on the machine.\n"
    )
    parts = [
        f"## {title}\n\n{sections[title].strip()}\n"
        for title in (TRUTH, FREEZE, LIMIT, WORKERS)
        if title in sections
    ]
    return "\n".join((head, *parts))


def read(text: str) -> Sections:
    """The sections of a page."""
    parts = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {title: body for title, _, body in parts}


def of_latency(found: Latency) -> Sections:
    """The truth, and the freeze."""
    return {TRUTH: "\n".join(_truth(found)), FREEZE: "\n".join(_freeze(found))}


def of_limits(limits: Sequence[Limit]) -> Sections:
    """How much can be sent."""
    return {LIMIT: "\n".join(_limits(limits))}


def of_workers(found: Workers) -> Sections:
    """Whether two processes see what one sees."""
    return {WORKERS: "\n".join(_workers(found))}


def _truth(found: Latency) -> Iterable[str]:
    yield "What stations measured, from the due time to the answer, beside what the server's own"
    yield "ledger says of the same enrollments, from receipt to effect."
    yield ""
    yield "| percentile | stations | server | stations ÷ server |"
    yield "|---|---:|---:|---:|"
    for name in SHARES:
        ours, true = found.measured[name], found.true[name]
        yield f"| {name} | {ours * 1000:.1f} ms | {true * 1000:.1f} ms | {ours / true:.3f} |"


def _freeze(found: Latency) -> Iterable[str]:
    yield f"{found.per_second} arrivals a second for {found.seconds:g} s; the server's process"
    yield f"stands still for {found.freeze_seconds:g} s in the middle. Citizens come all the same:"
    yield "the open loop counts how long each of them waited. In the closed loop (Locust's"
    yield "`constant_throughput`, one user for each arrival a second) a user who waits sends"
    yield "nothing, so most of those who would have waited are missing from the figures"
    yield "(coordinated omission)."
    yield ""
    yield "| | arrivals | p50 | p95 | p99 |"
    yield "|---|---:|---:|---:|---:|"
    for name, sent, by in (
        ("open loop (this harness)", found.open_sent, found.open),
        ("closed loop", found.closed_sent, found.closed),
    ):
        times = " | ".join(f"{by[share]:.2f} s" for share in SHARES)
        yield f"| {name} | {sent:,} | {times} |"


def _limits(limits: Sequence[Limit]) -> Iterable[str]:
    yield f"Arrivals a second with a p99 of sent - due of at most {KEPT_SECONDS * 1000:g} ms and"
    yield "none dropped, to an nginx that answers at once; beside it what wrk gets from the same"
    yield "nginx. At each rate tried: that p99, and how busy the busiest generating process was at"
    yield "the most. A national storm is 1,247 a second."
    yield ""
    yield "| packets | processes | kept | wrk | at each rate tried |"
    yield "|---|---:|---:|---:|---|"
    for limit in limits:
        tried = ", ".join(
            f"{rate:,}: {tried.late * 1000:.1f} ms, {tried.cpu:.0f} %"
            + (f", {tried.dropped:,} dropped" if tried.dropped else "")
            for rate, tried in limit.tried.items()
        )
        yield (
            f"| {limit.size} | {limit.processes} | {limit.kept:,}/s | {limit.ceiling:,.0f}/s"
            f" | {tried} |"
        )


def _workers(found: Workers) -> Iterable[str]:
    one, two = found.one, found.two
    yield f"`{SCENARIO}` through the gateway, {len(one)} times with one process and {len(two)}"
    yield "times with two that share the stations (`--workers 2`): the same citizens at the same"
    yield "times. Medians, with the least and the most. Noise is by what the same run differs when"
    yield "it is made again: a figure is within it if what one saw and what two saw overlap,"
    yield f"or if the medians differ by {ALIKE:.0%} at the most."
    yield ""
    yield "| | one process | two processes | within noise |"
    yield "|---|---:|---:|---|"
    yield f"| verdict | {_codes(one)} | {_codes(two)} | {_same(one, two)} |"
    for measure in (*COUNTED, *FIGURES):
        left, right = spreads(found, measure)
        within = "yes" if within_noise(left, right) else "**no**"
        yield (
            f"| {measure.replace('_', ' ')} | {_spread(measure, left)} | {_spread(measure, right)}"
            f" | {within} |"
        )


def _codes(verdicts: Sequence[Verdict]) -> str:
    return ", ".join(verdict.sentence.partition(":")[0] for verdict in verdicts)


def _same(one: Sequence[Verdict], two: Sequence[Verdict]) -> str:
    return (
        "yes" if {each.exit_code for each in one} == {each.exit_code for each in two} else "**no**"
    )


def _spread(measure: str, of: Spread) -> str:
    if of.is_one:
        return _figure(measure, of.middle)
    ends = " to ".join(_figure(measure, end) for end in (of.least, of.most))
    return f"{_figure(measure, of.middle)} ({ends})"


def _figure(measure: str, value: Figure) -> str:
    if value is None or math.isinf(value):
        return say(value)
    return f"{value:,.0f}" if measure in COUNTED else f"{value:.3g} s"
