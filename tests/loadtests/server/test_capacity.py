"""Work in hand ends exactly once; the workers are busy but never too many; a collapse clears."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.server.capacity import Capacity, Changed, Ended, Fate
from loadtests.server.model import Mode, Model

Event = Ended[int] | Changed


def make(seed: int = 1, now: float = 0.0, **figures: Any) -> Capacity[int]:  # noqa: ANN401 - any figure
    plain: dict[str, Any] = {"workers": 2, "service_seconds": 1.0, "cv": 0, "down_seconds": 60}
    return Capacity(Model(**plain | figures), Random(seed), now=now)


def ended(events: list[Event]) -> list[tuple[float, int, Fate]]:
    return [(e.at, e.work, e.fate) for e in events if isinstance(e, Ended)]


def changed(events: list[Event]) -> list[tuple[float, str, str]]:
    return [(e.at, e.state, e.cause) for e in events if isinstance(e, Changed)]


def run_dry(server: Capacity[int]) -> list[Event]:
    events = []
    while (at := server.next_event()) is not None:
        events += server.advance(at)
    return events


def test_workers_serve_first_in_first_out() -> None:
    server = make()
    for work in range(5):
        assert server.arrive(work, now=0.5) is None
    assert (server.in_service, server.outstanding) == (2, 5)
    assert ended(run_dry(server)) == [
        (1.5, 0, Fate.DONE),
        (1.5, 1, Fate.DONE),
        (2.5, 2, Fate.DONE),
        (2.5, 3, Fate.DONE),
        (3.5, 4, Fate.DONE),
    ]


def test_a_late_look_changes_nothing_of_what_happened_when() -> None:
    prompt, late = make(cv=0.5), make(cv=0.5)
    for work in range(20):
        prompt.arrive(work, now=0)
        late.arrive(work, now=0)
    assert run_dry(prompt) == late.advance(1000)


@pytest.mark.parametrize("cv", [0, 0.5, 1.5])
def test_a_saturated_server_below_the_cliff_completes_workers_per_service_time(cv: float) -> None:
    server = make(workers=10, service_seconds=0.2, cv=cv, collapse_at=15)
    work, done, now = 12, 0, 0.0
    for first in range(work):
        server.arrive(first, now=0)
    while now < 600:
        now = server.next_event() or 0
        for _ in ended(server.advance(now)):
            done += 1
            work += 1
            server.arrive(work, now=now)
    assert done / now == pytest.approx(server.per_second, rel=0.03 if cv < 1 else 0.06)
    assert server.per_second == pytest.approx(50)


def test_one_more_than_the_cliff_bears_brings_the_server_down_with_all_it_had_in_hand() -> None:
    server = make(collapse_at=4, cut_share=0)
    for work in range(5):
        assert server.arrive(work, now=work / 10) is None
    events = server.advance(0.4)
    assert changed(events) == [(0.4, "down", "collapse")]
    assert ended(events) == [(0.4, work, Fate.LOST) for work in range(5)]
    assert {e.outstanding for e in events if isinstance(e, Ended)} == {5}
    assert (server.outstanding, server.state, server.per_second) == (0, "down", 0)
    assert server.down_until == pytest.approx(60.4)


def test_exactly_what_the_cliff_bears_is_served() -> None:
    server = make(collapse_at=4)
    for work in range(4):
        server.arrive(work, now=0)
    assert [fate for _, _, fate in ended(run_dry(server))] == [Fate.DONE] * 4


def test_a_collapse_may_leave_the_effect_of_what_was_in_service_and_never_of_what_waited() -> None:
    fates: Counter[tuple[bool, Fate]] = Counter()
    for seed in range(400):
        server = make(seed, collapse_at=4)
        for work in range(5):
            server.arrive(work, now=0)
        fates.update((work < 2, fate) for _, work, fate in ended(server.advance(0)))
    assert fates[False, Fate.LOST] == 1200
    assert fates[True, Fate.CUT] + fates[True, Fate.LOST] == 800
    assert fates[True, Fate.CUT] == pytest.approx(400, abs=60)


@pytest.mark.parametrize("mode", list(Mode))
def test_while_down_who_comes_is_turned_away_in_the_mode_of_the_collapse(mode: Mode) -> None:
    server = make(collapse_at=1, collapse_mode=mode)
    server.arrive(1, now=0)
    server.arrive(2, now=0)
    assert server.arrive(3, now=59.9) is mode
    assert server.arrive(4, now=60) is None


def test_capacity_returns_worker_by_worker_and_the_first_at_once() -> None:
    server = make(workers=4, collapse_at=4, return_seconds=8, cut_share=0)
    for work in range(5):
        server.arrive(work, now=0)
    server.advance(0)
    capacities = []
    for at in (60, 61.9, 62, 64, 65.9, 66, 80):
        server.advance(at)
        capacities.append(server.per_second)
    assert capacities == [1, 1, 2, 3, 3, 4, 4]


def test_the_return_is_told_in_steps_down_returning_up() -> None:
    server = make(workers=4, collapse_at=4, return_seconds=8)
    for work in range(5):
        server.arrive(work, now=0)
    told = changed(run_dry(server))
    assert [(at, state) for at, state, _ in told] == [(0, "down"), (60, "returning"), (66, "up")]


def test_work_that_waits_is_begun_by_the_worker_that_comes_back() -> None:
    server = make(workers=2, return_seconds=1, collapse_at=2)
    server.stop(Mode.HANG, 10, "crash", drop=True, now=0)
    server.advance(10)
    server.arrive(1, now=10)
    server.arrive(2, now=10)
    assert ended(run_dry(server)) == [(11, 1, Fate.DONE), (11.5, 2, Fate.DONE)]


def test_a_stop_without_drop_finishes_what_is_in_hand_and_returns_at_once() -> None:
    server = make(return_seconds=100)
    for work in range(3):
        server.arrive(work, now=0)
    server.stop(Mode.UNAVAILABLE, 10, "503", drop=False, now=0.5)
    assert server.arrive(3, now=0.5) is Mode.UNAVAILABLE
    events = run_dry(server)
    assert ended(events) == [(1, 0, Fate.DONE), (1, 1, Fate.DONE), (2, 2, Fate.DONE)]
    assert changed(events) == [(0.5, "down", "503"), (10.5, "up", "returned")]


def test_a_second_stop_lengthens_the_first_and_never_shortens_it() -> None:
    server = make()
    server.stop(Mode.HANG, 10, "hang", drop=True, now=0)
    server.stop(Mode.RESET, 2, "reset", drop=False, now=1)
    assert server.down_until == 10
    server.stop(Mode.RESET, 20, "reset", drop=False, now=2)
    assert server.down_until == 22


def test_a_stop_during_a_slow_return_does_not_send_the_workers_away_again() -> None:
    server = make(workers=4, return_seconds=8)
    server.stop(Mode.HANG, 10, "crash", drop=True, now=0)
    server.stop(Mode.UNAVAILABLE, 5, "503", drop=False, now=12.5)
    server.advance(17.5)
    assert server.workers == 2
    server.advance(19.5)
    assert server.workers == 3


@pytest.mark.parametrize(
    ("factor", "workers", "cliff"), [(0.5, 5, 15), (2, 20, 30), (0.01, 1, 15), (1, 10, 15)]
)
def test_the_capacity_follows_the_workers_and_the_cliff_only_grows(
    factor: float, workers: int, cliff: int
) -> None:
    server = make(workers=10, service_seconds=0.2, collapse_at=15)
    server.set_pace(workers_factor=factor, service_factor=1, now=0)
    assert (server.workers, server.cliff) == (workers, cliff)
    assert server.per_second == pytest.approx(workers / 0.2)


def test_workers_that_are_added_take_up_what_waits_at_once() -> None:
    server = make(workers=1)
    server.arrive(1, now=0)
    server.arrive(2, now=0)
    server.set_pace(workers_factor=2, service_factor=1, now=0.5)
    assert ended(run_dry(server)) == [(1, 1, Fate.DONE), (1.5, 2, Fate.DONE)]


def test_workers_that_go_finish_first() -> None:
    server = make(workers=2)
    for work in range(4):
        server.arrive(work, now=0)
    server.set_pace(workers_factor=0.5, service_factor=1, now=0.5)
    assert [at for at, _, _ in ended(run_dry(server))] == [1, 1, 2, 3]


def test_slowness_stretches_what_begins_from_then_on() -> None:
    server = make(workers=1)
    server.arrive(1, now=0)
    server.arrive(2, now=0)
    server.set_pace(workers_factor=1, service_factor=3, now=0.5)
    assert [at for at, _, _ in ended(run_dry(server))] == [1, 4]
    assert server.per_second == pytest.approx(1 / 3)


def test_the_most_outstanding_is_kept_until_it_is_forgotten() -> None:
    server = make()
    for work in range(3):
        server.arrive(work, now=0)
    server.advance(1)
    assert server.most_outstanding == 3
    server.forget_most_outstanding()
    assert server.most_outstanding == 1


def test_time_that_runs_backwards_is_refused() -> None:
    server = make(now=10)
    with pytest.raises(ValueError, match="backwards"):
        server.advance(9)


def test_its_repr_tells_its_state() -> None:
    server = make()
    for work in range(3):
        server.arrive(work, now=0)
    assert repr(server) == "<Capacity up, 2 of 2 in service, 1 waiting>"


GAPS = st.floats(0, 2, allow_nan=False)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), GAPS),
        st.tuples(st.just("look"), GAPS),
        st.tuples(st.sampled_from(["crash", "503"]), GAPS),
        st.tuples(st.just("pace"), GAPS),
    ),
    max_size=60,
)


@given(
    steps=STEPS,
    workers=st.integers(1, 4),
    cliff=st.one_of(st.none(), st.integers(1, 8)),
    cv=st.sampled_from([0, 0.5]),
    return_seconds=st.sampled_from([0, 3.0]),
    seed=st.integers(0, 9),
)
def test_whatever_happens_all_work_in_hand_ends_once_and_no_worker_is_idle_or_doubled(
    steps: list[tuple[str, float]],
    workers: int,
    cliff: int | None,
    cv: float,
    return_seconds: float,
    seed: int,
) -> None:
    server = make(
        seed, workers=workers, collapse_at=cliff, cv=cv, return_seconds=return_seconds,
        down_seconds=2,
    )  # fmt: skip
    rng = Random(seed)
    now, taken, most = 0.0, [], workers
    events: list[Event] = []
    for work, (step, gap) in enumerate(steps):
        now += gap
        if step == "arrive":
            if server.arrive(work, now=now) is None:
                taken.append(work)
        elif step == "look":
            events += server.advance(now)
        elif step == "pace":
            factor = rng.choice([0.5, 1, 2])
            server.set_pace(workers_factor=factor, service_factor=1, now=now)
            most = max(most, 2 * workers)
        else:
            mode = Mode.UNAVAILABLE if step == "503" else Mode.HANG
            server.stop(mode, gap, step, drop=step == "crash", now=now)
        assert server.in_service <= most
        waiting = server.outstanding - server.in_service
        assert waiting == 0 or server.in_service >= server.workers or server.state == "down"
        assert cliff is None or server.outstanding <= cliff * (2 if most > workers else 1)
    events += run_dry(server)
    assert sorted(work for _, work, _ in ended(events)) == taken
    assert [e.at for e in events] == sorted(e.at for e in events)
    assert (server.outstanding, server.state, server.down_until) == (0, "up", None)
