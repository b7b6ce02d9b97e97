"""Figures against sums done by hand."""

import math
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.backlog import drains
from loadtests.evidence import Case, Evidence, Outage, gather, outages
from loadtests.logs import Run, Sample, Sent, Server, State, Told
from loadtests.meanings import MEANINGS
from loadtests.measures import attempts_ratio, measure, percentile
from loadtests.targets import duration, say

SERVER = Server(0.0, 10, 1.0, 0.3, 30, 60.0, honours_key=True, seed=1)
"""Ten workers, ten a second."""


def evidence(
    came: Sequence[float],
    recorded: Sequence[float],
    down: Sequence[Outage],
    samples: Sequence[Sample] = (),
) -> Evidence:
    cases = {
        f"k{number}": Case(f"k{number}", "s", None, "0", 1, due, due, recorded_at=at, effects=1)
        for number, (due, at) in enumerate(zip(came, recorded, strict=True))
    }
    return Evidence(
        cases=cases,
        servers=[SERVER],
        outages=list(down),
        samples=list(samples),
        lateness=array("d", [0.0] * len(cases)),
    )


def steadily(per_second: float, start: float, end: float) -> list[float]:
    return [start + n / per_second for n in range(round((end - start) * per_second))]


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


def test_the_ideal_drain_is_backlog_over_capacity_minus_arrivals() -> None:
    """100 s down at 5 a second: 500 wait, 490 of them in vain; 10 - 5 a second are left: 98 s."""
    came = steadily(5, 0, 400)
    recorded = [at if at < 100 else max(at, 200 + (at - 100) * 0.5) for at in came]
    (drain,) = drains(evidence(came, recorded, [Outage(100, 200, "scripted")]))
    assert drain.backlog == 500
    assert drain.ideal == pytest.approx(98, rel=0.01)
    assert drain.seconds == pytest.approx(98, rel=0.01)
    assert drain.ratio == pytest.approx(1, rel=0.01)


def test_a_drain_at_half_speed_takes_twice_the_ideal_or_more() -> None:
    came = steadily(5, 0, 100)
    recorded = [at if at < 50 else 100 + (at - 50) for at in came]
    (drain,) = drains(evidence(came, recorded, [Outage(50, 100, "scripted")]))
    assert drain.ideal == pytest.approx(24, rel=0.01)
    assert drain.ratio == pytest.approx(2, rel=0.03)


def test_a_server_that_came_back_at_half_capacity_is_measured_against_that() -> None:
    came = steadily(5, 0, 100)
    recorded = [at if at < 50 else 100 + (at - 50) for at in came]
    halved = [Sample(float(at), 0, 0, 0, 0, 0, 5.0) for at in range(100, 200)]
    (drain,) = drains(evidence(came, recorded, [Outage(50, 100, "scripted")], halved))
    assert drain.ratio == pytest.approx(1, rel=0.03)


def test_a_server_that_was_tipped_over_has_no_excuse() -> None:
    down = [Sample(float(at), 0, 0, 0, 0, 0, 0.0) for at in range(100, 200)]
    came = steadily(5, 0, 100)
    recorded = [at if at < 50 else 100 + (at - 50) for at in came]
    outs = [Outage(50, 100, "scripted"), Outage(110, 170, "collapse")]
    (drain,) = drains(evidence(came, recorded, outs, down))
    assert drain.ideal == pytest.approx(24, rel=0.01)


def test_a_backlog_that_never_went_down_took_for_ever() -> None:
    came = steadily(5, 0, 100)
    recorded = [at if at < 50 else 1e9 for at in came]
    some = evidence(came, recorded, [Outage(50, 60, "scripted")])
    for case in some.cases.values():
        case.recorded_at = None if case.recorded_at == 1e9 else case.recorded_at
    (drain,) = drains(some)
    assert math.isinf(drain.ratio)


def test_a_drain_that_the_next_fault_cuts_short_says_nothing() -> None:
    came = steadily(5, 0, 300)
    recorded = [at if at < 50 else max(at, 200 + (at - 50) / 2) for at in came]
    outs = [Outage(50, 100, "hang"), Outage(110, 200, "crash")]
    assert [drain.outage for drain in drains(evidence(came, recorded, outs))] == outs[1:]


def test_no_drain_where_nothing_waits_or_the_server_never_returned() -> None:
    came = steadily(5, 0, 10)
    assert drains(evidence(came, came, [Outage(5, 6, "hang")])) == []
    assert drains(evidence(came, came, [Outage(5, None, "hang")])) == []
    assert drains(Evidence()) == []


@pytest.mark.parametrize(("waiting", "found"), [(10, 0), (11, 1)])
def test_where_each_worker_has_one_none_waits_for_its_turn(waiting: int, found: int) -> None:
    came = [5.0] * waiting
    assert len(drains(evidence(came, [7.0] * waiting, [Outage(4, 6, "hang")]))) == found


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


def sampled(recorded: Sequence[int], capacity: float = 10.0) -> list[Sample]:
    """One sample a second, with the total recorded by then."""
    return [Sample(float(at), total, total, 0, 0, 0, capacity) for at, total in enumerate(recorded)]


def test_the_share_of_capacity_counts_only_while_enough_waits_and_the_server_is_up() -> None:
    # 100 come at once; the server could take 10 a second and takes 8, then 10.
    some = evidence([0.0] * 100, steadily(8, 0.05, 5.05) + steadily(10, 5.05, 11.05), [])
    some.samples = sampled([0, 8, 16, 24, 32, 40, 50, 60, 70, 80, 90, 100])
    # Below twenty unrecorded, after second 9, its ten workers are not sure to be busy.
    assert measure(some, [], within=1.0)["capacity_used"] == pytest.approx(80 / 90)
    some.samples = sampled([0, 8, 16, 24, 32, 40, 50, 60, 70, 80, 90, 100], capacity=0.0)
    assert measure(some, [], within=1.0)["capacity_used"] is None


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
