"""Our own counters and histograms tell what the library's would."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, Metric, disable_created_metrics

from gateway.observe.series.tally import Spreads, Tallies

BOUNDS = (0.005, 0.25, 1, 600)


def told(families: Iterable[Metric]) -> list[object]:
    return [
        (family.name, family.documentation, family.type, *sample[:3])
        for family in families
        for sample in family.samples
    ]


@given(st.lists(st.one_of(st.sampled_from(BOUNDS), st.floats(0, 1e6)), max_size=20))
def test_a_histogram_is_the_librarys(amounts: list[float]) -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    ours = Spreads("wait_seconds", "How long.", ("to",), bounds=BOUNDS, now=lambda: 1.0)
    registry = CollectorRegistry()
    theirs = Histogram("wait_seconds", "How long.", ("to",), buckets=BOUNDS, registry=registry)
    for amount in amounts:
        ours.labels("x").observe(amount)
        theirs.labels("x").observe(amount)
    ours.labels("y")
    theirs.labels("y")
    assert told(ours.collect()) == told(theirs.collect())


def test_an_exemplar_stands_at_the_bucket_that_its_amount_falls_in() -> None:
    ours = Spreads("wait_seconds", "How long.", (), bounds=BOUNDS, now=lambda: 12.5)
    ours.labels().observe(0.2)
    ours.labels().observe(0.25, "ab" * 16)
    (family,) = ours.collect()
    (found,) = [sample for sample in family.samples if sample.exemplar is not None]
    assert found.labels["le"] == "0.25"
    assert found.exemplar is not None
    assert tuple(found.exemplar) == ({"trace_id": "ab" * 16}, 0.25, 12.5)


def test_a_registry_refuses_the_same_name_twice() -> None:
    registry = CollectorRegistry()
    registry.register(Tallies("asked_total", "Asked.", ()))
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(Tallies("asked_total", "Asked.", ()))
