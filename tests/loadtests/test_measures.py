"""Figures: latency, outages, attempts, floods, and how they read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.evidence import Evidence, Outage, gather, outages
from loadtests.logs import Run, Sample, Sent, State, Told
from loadtests.meanings import MEANINGS
from loadtests.measures import attempts_ratio, measure, percentile
from loadtests.targets import duration, say
from tests.loadtests.runs import evidence, steadily


def test_a_percentile_is_a_value_that_occurred() -> None:
    ordered = [1.0, 2.0, 3.0, 4.0]
    shares = (0.0, 0.5, 0.51, 0.99, 1.0)
    assert [percentile(ordered, share) for share in shares] == [1.0, 2.0, 3.0, 4.0, 4.0]


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_at_least_the_share_lies_at_or_below_its_percentile(
    values: list[float], share: float
) -> None:
    limit = percentile(sorted(values), share)
    assert sum(value <= limit for value in values) >= share * len(values) - 1e-9


def test_a_station_that_was_never_answered_waited_for_ever() -> None:
    some = evidence([0.0, 0.0], [1.0, 1.0], [])
    some.cases["k0"].promised_at = some.cases["k0"].answered_at = 0.5
    figures = measure(some, [], within=1.0)
    assert (figures["answer_p50"], figures["answer_max"]) == (0.5, math.inf)
    assert figures["answered_in_time"] == 0.5
    assert say(figures["answer_max"]) == "never"


def test_every_measure_is_explained_and_every_explained_one_is_measured() -> None:
    findings = {
        "lost", "lost_promised", "doubled", "invented", "altered", "out_of_order", "dishonest",
        "contradicted",
    }  # fmt: skip
    assert measure(Evidence(), [], within=1.0).keys() | findings == MEANINGS.keys()


def test_an_outage_lasts_until_the_first_state_that_is_not_down() -> None:
    states = [
        State(0, "up"),
        State(5, "down", "hang"),
        State(6, "down", "collapse"),
        State(9, "returning"),
        State(12, "up"),
        State(20, "down", "collapse"),
    ]
    assert outages(states) == [Outage(5, 9, "hang"), Outage(20, None, "collapse")]


def test_a_tip_over_after_a_return_is_a_retip_and_the_first_one_is_not() -> None:
    outs = [Outage(1, 2, "collapse"), Outage(3, 4, "collapse"), Outage(5, 6, "crash")]
    figures = measure(evidence([], [], outs), [], within=1.0)
    assert (figures["collapses"], figures["retips"], figures["outage_seconds"]) == (2, 1, 3)


def test_attempts_are_counted_outside_outages_only() -> None:
    totals = [(0, 0), (10, 10), (500, 10), (900, 11), (922, 31)]
    samples = [
        Sample(float(at), received, recorded, 0, 0, 0, 1.0)
        for at, (received, recorded) in enumerate(totals)
    ]
    assert attempts_ratio(samples, [Outage(1.5, 2.5, "crash")]) == pytest.approx(32 / 30)
    assert attempts_ratio(samples, [Outage(0.5, None, "crash")]) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "0.25 s"),
        (42.4, "42 s"),
        (59.9, "1 min"),
        (300, "5 min"),
        (303, "5 min 3 s"),
        (7800, "2 h 10 min"),
        (math.inf, "for ever"),
    ],
)
def test_lengths_of_time_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_first_final_answer_ends_the_wait_and_the_last_one_stands() -> None:
    sent = Sent("k", "s", None, 3, "0", 1, 0.0, 0.0, 1)
    told = [Told("k", 2.0, 1, 201, "delivered"), Told("k", 9.0, 1, 400, "rejected")]
    case = gather([sent, *told], []).cases["k"]
    assert (case.answered_at, case.final) == (2.0, "rejected")


def flooded(slow: float) -> Evidence:
    """A desk's enrollments take 1 s for a minute, then ``slow``; the flood's take for ever."""
    came = steadily(1, 0.0, 120.0)
    some = evidence(came, [at + (1.0 if at < 60 else slow) for at in came], [])
    for case in list(some.cases.values())[::2]:
        case.station, case.recorded_at = "flood", None
    scenario = {"flood": {"station": "flood", "times": 100, "from_seconds": 60.0}}
    some.runs = [Run(scenario, 1, 1.0, "gateway", 0.0, 0.0)]
    return some


def test_a_flood_is_judged_by_what_it_does_to_the_others() -> None:
    assert measure(flooded(1.4), [], within=1.0)["flood_slowdown"] == pytest.approx(1.4)
    # While the window is still found, early on, nothing is compared.
    early = flooded(1.4)
    early.cases["k1"].recorded_at = 100.0
    assert measure(early, [], within=1.0)["flood_slowdown"] == pytest.approx(1.4)
    assert measure(evidence([0.0], [1.0], []), [], within=1.0)["flood_slowdown"] is None
