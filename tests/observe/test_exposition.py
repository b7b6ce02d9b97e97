"""The page says what the library would have said, only sooner."""

from collections.abc import Callable, Iterable

import pytest
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest as text_of
from prometheus_client.openmetrics.exposition import generate_latest as open_metrics_of
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from gateway.observe.exposition import OPEN_METRICS, TEXT, Exposition

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
    "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
Read = Callable[[str], Iterable[Metric]]


def registry() -> CollectorRegistry:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    made = CollectorRegistry()
    requests = Counter("requests_total", "Asked.", ["method", "outcome"], registry=made)
    requests.labels("POST", 'a "quoted" \\ odd\nvalue').inc(1234.5)
    requests.labels("GET", "plain").inc(7, exemplar={"trace_id": "4bf92f3577b34da6"})
    level = Gauge("level", "How much.", ["which"], registry=made)
    for which, value in (("none", float("nan")), ("most", float("inf")), ("below", -3)):
        level.labels(which).set(value)
    Gauge("bytes", "Large.", registry=made).set(21_474_836_480)
    wait = Histogram("wait_seconds", "How long.", registry=made, buckets=(0.25, 1, 600))
    wait.observe(0.3, exemplar={"trace_id": "4bf92f3577b34da6", "span_id": "00f067aa0ba902b7"})
    wait.observe(700)
    return made


def told(page: bytes, read: Read) -> list[str]:
    """Every family and sample as text, so that NaN equals NaN; labels have no order."""
    return [
        repr((family.name, family.documentation, family.type, sample.name, sample.value))
        + repr([sorted(sample.labels.items()), exemplar and sorted(exemplar.labels.items())])
        + repr(exemplar and (exemplar.value, exemplar.timestamp))
        for family in read(page.decode())
        for sample in family.samples
        for exemplar in [sample.exemplar]
    ]


@pytest.mark.parametrize(
    ("accept", "content_type", "read", "library"),
    [
        ("", TEXT, read_text, text_of),
        ("text/plain", TEXT, read_text, text_of),
        (PROMETHEUS, OPEN_METRICS, read_open_metrics, open_metrics_of),
    ],
)
def test_a_page_means_what_the_librarys_means(
    accept: str, content_type: str, read: Read, library: Callable[[CollectorRegistry], bytes]
) -> None:
    made = registry()
    exposition = Exposition(made)
    for _ in range(2):  # the second time names come from memory
        page, answered = exposition.page(accept)
        assert answered == content_type
        assert sorted(told(page, read)) == sorted(told(library(made), read))


def test_an_exemplar_leads_from_a_slow_bucket_to_its_trace() -> None:
    page, _ = Exposition(registry()).page(PROMETHEUS)
    (line,) = (x for x in page.decode().splitlines() if 'wait_seconds_bucket{le="1.0"}' in x)
    assert '# {trace_id="4bf92f3577b34da6",span_id="00f067aa0ba902b7"} 0.3 ' in line
    assert b"trace_id" not in Exposition(registry()).page("")[0]
