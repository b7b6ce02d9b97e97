"""PromQL in the few shapes that the dashboards use.

Must not know panels. Every query of the gateway is narrowed to the instances chosen on the page.
The gateways of one shared journal report the same enrollments and bytes, those with a journal each
report their own: so what a journal holds is never summed over instances, only what a gateway did.
"""

from typing import Final

GATEWAY: Final = "enrollment_gateway_"
SERVER: Final = "recording_server_"
STATIONS: Final = "stations_"
INSTANCES: Final = 'instance=~"$instance"'
STATE_CHANGING: Final = 'method=~"POST|PUT|PATCH|DELETE"'
UNDELIVERED: Final = 'status=~"pending|sending|in_doubt"'


def gateway(name: str, where: str = "") -> str:
    """Select a metric of the chosen gateways; `where`: more label matchers."""
    return f"{GATEWAY}{name}{{{', '.join(filter(None, (INSTANCES, where)))}}}"


def server(name: str) -> str:
    """Select a metric of the simulated recording server."""
    return SERVER + name


def stations(name: str, where: str = "") -> str:
    """Select a metric of Locust's stations."""
    return f"{STATIONS}{name}{{{where}}}" if where else STATIONS + name


def rate(series: str, *by: str) -> str:
    """Tell how much counters grow per second, summed but for the labels `by`."""
    return f"{_sum(by)}(rate({series}[$__rate_interval]))"


def quotient(part: str, whole: str) -> str:
    """Divide what may go on while the whole stands still: then there is a gap, not infinity."""
    return f"{part} / ({whole} > 0)"


def growth(series: str, *by: str) -> str:
    """Tell how much counters grew in the time shown: for single numbers."""
    return f"{_sum(by)}(increase({series}[$__range]))"


def levels(series: str, *by: str) -> str:
    """Add gauges up, but for the labels `by`."""
    return f"{_sum(by)}({series})"


def quantile(share: float, histogram: str, *by: str, where: str = "") -> str:
    """Tell what `share` of a histogram's observations stayed below."""
    buckets = rate(gateway(f"{histogram}_bucket", where), "le", *by)
    return f"histogram_quantile({share}, {buckets})"


def is_quantile(expr: str) -> bool:
    """Tell whether this is a `quantile`: of buckets, which may lead to traces."""
    return expr.startswith("histogram_quantile(")


def mean(histogram: str) -> str:
    """Tell the mean of a histogram's observations."""
    total, count = (rate(gateway(f"{histogram}_{part}")) for part in ("sum", "count"))
    return f"{total} / {count}"


def share_within(seconds: float, histogram: str) -> str:
    """Tell what share of the time shown's observations was within `seconds`: a bucket's edge."""
    within = growth(gateway(f"{histogram}_bucket", f'le="{float(seconds)}"'))
    return f"{within} / {growth(gateway(f'{histogram}_count'))}"


def _sum(by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)}) " if by else "sum"
