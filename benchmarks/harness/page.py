"""The page of the harness's own figures, as Markdown. Pure."""

from collections.abc import Iterable, Sequence

from benchmarks.harness.latency import FREEZE_SECONDS, PER_SECOND, SECONDS, Latency
from benchmarks.harness.limit import KEPT_SECONDS, Limit
from benchmarks.harness.stations import SHARES


def page(latency: Latency, limits: Sequence[Limit], machine: str) -> str:
    """The whole page."""
    return "\n".join((*_head(machine), *_truth(latency), *_freeze(latency), *_limits(limits)))


def _head(machine: str) -> Iterable[str]:
    yield "# Is the load harness right?"
    yield ""
    yield "Made by `make bench-harness`; do not edit by hand."
    yield f"Measured on {machine}. Ratios count: times depend on the machine."
    yield ""


def _truth(found: Latency) -> Iterable[str]:
    yield "## Latency against the truth"
    yield ""
    yield "What stations measured, from the due time to the answer, beside what the server's own"
    yield "ledger says of the same enrollments, from receipt to effect."
    yield ""
    yield "| percentile | stations | server | stations ÷ server |"
    yield "|---|---:|---:|---:|"
    for name in SHARES:
        ours, true = found.measured[name], found.true[name]
        yield f"| {name} | {ours * 1000:.1f} ms | {true * 1000:.1f} ms | {ours / true:.3f} |"
    yield ""


def _freeze(found: Latency) -> Iterable[str]:
    yield "## A server that freezes: open loop and closed loop"
    yield ""
    yield f"{PER_SECOND} arrivals a second for {SECONDS} s; the server's process stands still for"
    yield f"{FREEZE_SECONDS:g} s in the middle. Citizens come all the same: the open loop counts"
    yield "how long each of them waited. In the closed loop (Locust's `constant_throughput`, one"
    yield "user for each arrival a second) a user who waits sends nothing, so most of those who"
    yield "would have waited are missing from the figures (coordinated omission)."
    yield ""
    yield "| | arrivals | p50 | p95 | p99 |"
    yield "|---|---:|---:|---:|---:|"
    for name, sent, by in (
        ("open loop (this harness)", found.open_sent, found.open),
        ("closed loop", found.closed_sent, found.closed),
    ):
        times = " | ".join(f"{by[share]:.2f} s" for share in SHARES)
        yield f"| {name} | {sent:,} | {times} |"
    yield ""


def _limits(limits: Sequence[Limit]) -> Iterable[str]:
    yield "## How much one machine can send"
    yield ""
    yield f"Arrivals a second with a p99 of sent - due of at most {KEPT_SECONDS * 1000:g} ms, to an"
    yield "nginx that answers at once; beside it what wrk gets from the same nginx. A national"
    yield "storm is 1,247 a second."
    yield ""
    yield "| packets | processes | kept | wrk | p99 of sent - due at each rate tried |"
    yield "|---|---:|---:|---:|---|"
    for limit in limits:
        tried = ", ".join(f"{rate:,}: {late * 1000:.1f} ms" for rate, late in limit.late.items())
        yield (
            f"| {limit.size} | {limit.processes} | {limit.kept:,}/s | {limit.ceiling:,.0f}/s"
            f" | {tried} |"
        )
    yield ""
