"""The backlog and how it went down, against small runs reckoned by hand."""

import math
from collections.abc import Sequence

import pytest

from loadtests.backlog import drains
from loadtests.evidence import Evidence, Outage
from loadtests.logs import Sample
from loadtests.measures import measure
from tests.loadtests.runs import evidence, steadily


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
