"""What is recorded and what is answered, on a clock of its own: no socket, no waiting."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import logs
from loadtests.server.exchange import How, Reply, Request
from loadtests.server.faults import parse_text
from loadtests.server.model import Mode, Model
from loadtests.server.recorded import Record
from loadtests.server.recording import Happening, RecordingServer


def make(*faults: str, seed: int = 1, honours_key: bool = True, **figures: Any) -> RecordingServer:  # noqa: ANN401 - any figure
    plain: dict[str, Any] = {"workers": 2, "service_seconds": 1.0, "cv": 0, "down_seconds": 60}
    return RecordingServer(
        Model(**plain | figures),
        seed=seed,
        now=0,
        honours_key=honours_key,
        faults=tuple(parse_text(fault) for fault in faults),
    )


def ask(key: str | None = None, enrollment: str | None = None) -> Request:
    return Request(key, enrollment, ordering_key=None, sha256="ab" * 32, bytes=3)


def run_dry(server: RecordingServer) -> list[Happening]:
    happenings = []
    while (at := server.next_event()) is not None:
        happenings += server.advance(at)
    return happenings


def effects(happenings: list[Happening]) -> list[logs.Recorded]:
    return [h for h in happenings if isinstance(h, logs.Recorded)]


def replies(happenings: list[Happening]) -> dict[int, Reply]:
    return {h.ticket: h for h in happenings if isinstance(h, Reply)}


def states(happenings: list[Happening]) -> list[tuple[float, str, str | None]]:
    return [(h.at, h.state, h.cause) for h in happenings if isinstance(h, logs.State)]


def test_an_effect_is_told_before_the_answer_that_tells_of_it() -> None:
    server = make()
    ticket = server.arrive(ask("k", "e"), now=2)
    effect, reply = server.advance(3)
    assert effect == logs.Recorded(
        1, 3, 2, "k", "e", "ab" * 32, 3, None, 1, answered=True, outstanding=1
    )
    assert reply == Reply(3, ticket, How.ANSWER, 201, Record(1, 3))


def test_a_key_that_is_honoured_has_one_effect_and_always_the_same_answer() -> None:
    server = make()
    together = [server.arrive(ask("k"), now=0) for _ in range(3)]
    happenings = run_dry(server)
    later = server.arrive(ask("k"), now=10)
    happenings += run_dry(server)
    answers = replies(happenings)
    assert len(effects(happenings)) == 1
    assert {answers[ticket].record for ticket in (*together, later)} == {Record(1, 1)}


def test_a_key_that_is_ignored_has_an_effect_each_time_and_the_ledger_counts_them() -> None:
    server = make(honours_key=False)
    for _ in range(3):
        server.arrive(ask("k"), now=0)
    assert [(e.number, e.attempt) for e in effects(run_dry(server))] == [(1, 1), (2, 2), (3, 3)]
    assert server.find("k") == Record(1, 1)


def test_without_a_key_every_request_is_an_effect() -> None:
    server = make()
    server.arrive(ask(enrollment="e"), now=0)
    server.arrive(ask(enrollment="e"), now=0)
    assert [(e.key, e.enrollment) for e in effects(run_dry(server))] == [(None, "e")] * 2


def test_a_lookup_sees_only_what_is_recorded() -> None:
    server = make()
    server.arrive(ask("k"), now=0)
    server.advance(0.5)
    assert server.find("k") is None
    server.advance(1)
    assert server.find("k") == Record(1, 1)


@pytest.mark.parametrize(("kind", "how"), [("lose_answers", How.RESET), ("half_answer", How.HALF)])
def test_a_lost_answer_is_lost_after_the_effect(kind: str, how: How) -> None:
    server = make(f"{kind} duration_seconds=5")
    lost = server.arrive(ask("k"), now=0)
    happenings = run_dry(server)
    again = server.arrive(ask("k"), now=6)
    happenings += run_dry(server)
    assert [e.answered for e in effects(happenings)] == [False]
    assert replies(happenings)[lost].how is how
    assert replies(happenings)[again] == Reply(7, again, How.ANSWER, 201, Record(1, 1))


def test_every_tenth_answer_is_lost_and_the_seed_decides_which() -> None:
    def lost(seed: int) -> list[int]:
        server = make("lose_answers probability=0.1", seed=seed, workers=1000)
        for _ in range(1000):
            server.arrive(ask(), now=0)
        return [e.number for e in effects(run_dry(server)) if not e.answered]

    assert len(lost(1)) == pytest.approx(100, abs=30)
    assert lost(1) == lost(1) != lost(2)


def test_half_of_the_requests_may_get_an_error_at_once_and_no_effect() -> None:
    server = make("errors status=500 probability=0.5", workers=1000)
    for _ in range(1000):
        server.arrive(ask(), now=0)
    happenings = run_dry(server)
    statuses = Counter(reply.status for reply in replies(happenings).values())
    assert statuses.keys() == {500, 201}
    assert len(effects(happenings)) == statuses[201] == pytest.approx(500, abs=60)
    assert server.totals(now=2).refused == statuses[500]


@pytest.mark.parametrize(("status", "header"), [(429, "30"), (503, "30"), (500, None), (401, None)])
def test_only_a_429_and_a_503_say_when_to_come_again(status: int, header: str | None) -> None:
    server = make(f"errors status={status}", "retry_after seconds=30")
    ticket = server.arrive(ask(), now=0)
    reply = replies(server.advance(0))[ticket]
    assert (reply.status, reply.retry_after) == (status, header)


@pytest.mark.parametrize(
    ("kind", "how", "status"),
    [
        ("crash", How.RESET, 0),
        ("refuse", How.RESET, 0),
        ("reset", How.RESET, 0),
        ("503", How.ANSWER, 503),
    ],
)
def test_while_down_recordings_and_reads_are_turned_away_at_once(
    kind: str, how: How, status: int
) -> None:
    server = make(f"{kind} duration_seconds=10")
    tickets = server.arrive(ask(), now=1), server.read(now=1)
    answers = replies(server.advance(1))
    assert [(answers[t].how, answers[t].status) for t in tickets] == [(how, status)] * 2
    assert server.totals(now=1).refused == 1


def test_a_hanging_server_says_nothing_until_it_returns_and_has_forgotten_them_then() -> None:
    server = make("hang at_seconds=5 duration_seconds=10", cut_share=0)
    served = server.arrive(ask(), now=4.5)
    tickets = [served, server.arrive(ask(), now=6), server.read(now=7)]
    silent = server.advance(14.9)
    assert states(silent) == [(5, "down", "hang")]
    assert not replies(silent)
    returned = server.advance(15)
    assert states(returned) == [(15, "up", "returned")]
    assert [(t, r.how) for t, r in replies(returned).items()] == [(t, How.RESET) for t in tickets]
    assert not effects(silent + returned)


def test_a_collapse_that_hangs_says_nothing_even_to_those_whose_effect_stayed() -> None:
    server = make(collapse_at=2, cut_share=1, collapse_mode=Mode.HANG)
    for key in "abc":
        server.arrive(ask(key), now=0)
    happenings = server.advance(59)
    assert [(e.key, e.answered, e.outstanding) for e in effects(happenings)] == [
        ("a", False, 3),
        ("b", False, 3),
    ]
    assert not replies(happenings)
    assert (server.find("a"), server.find("c")) == (Record(1, 0), None)


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.RESET, Mode.UNAVAILABLE])
def test_any_other_collapse_resets_who_waited(mode: Mode) -> None:
    server = make(collapse_at=2, collapse_mode=mode)
    tickets = [server.arrive(ask(), now=0) for _ in range(3)]
    answers = replies(server.advance(0))
    assert {answers[ticket].how for ticket in tickets} == {How.RESET}


def test_an_effect_that_was_cut_is_not_repeated_for_the_same_key() -> None:
    server = make("crash at_seconds=0.5 duration_seconds=1", cut_share=1)
    server.arrive(ask("k"), now=0)
    server.advance(2)
    again = server.arrive(ask("k"), now=2)
    happenings = run_dry(server)
    assert not effects(happenings)
    assert replies(happenings)[again].record == Record(1, 0.5)


def test_a_caller_who_leaves_stays_a_ghost_that_takes_its_time_and_has_its_effect() -> None:
    server = make(workers=1)
    gone = server.arrive(ask("k"), now=0)
    waits = server.arrive(ask("l"), now=0)
    server.leave(gone)
    assert server.totals(now=0).outstanding == 2
    happenings = run_dry(server)
    assert [(e.key, e.answered) for e in effects(happenings)] == [("k", False), ("l", True)]
    assert {t: r.at for t, r in replies(happenings).items()} == {waits: 2}


def test_a_caller_who_leaves_a_hanging_server_is_forgotten() -> None:
    server = make("hang duration_seconds=10")
    server.leave(server.arrive(ask(), now=1))
    assert not replies(run_dry(server))


def test_a_change_of_capacity_is_felt_at_its_time() -> None:
    server = make("capacity factor=0.5 at_seconds=10 duration_seconds=5", "slow factor=2")
    assert [server.totals(now=at).capacity for at in (9, 10, 14, 15)] == [1, 0.5, 0.5, 1]


def test_a_fault_that_is_added_counts_its_time_from_now() -> None:
    server = make()
    server.add_faults((parse_text("503 at_seconds=2 duration_seconds=3"),), now=10)
    assert states(run_dry(server)) == [(12, "down", "503"), (15, "up", "returned")]


def test_totals_and_the_sample_of_a_second() -> None:
    server = make("503 at_seconds=10 duration_seconds=1")
    for _ in range(5):
        server.arrive(ask(), now=0)
    assert server.sample(now=1) == logs.Sample(1, 5, 2, 0, 3, 5, 2.0)
    assert server.sample(now=5) == logs.Sample(5, 5, 5, 0, 0, 3, 2.0)
    server.arrive(ask(), now=10.5)
    assert server.sample(now=10.5) == logs.Sample(10.5, 6, 5, 1, 0, 0, 0.0)
    assert server.state == "down"


@given(
    arrivals=st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from([*"abcdefgh", None])), max_size=80
    ),
    leavers=st.sets(st.integers(1, 80)),
    mode=st.sampled_from(list(Mode)),
    seed=st.integers(0, 5),
)
def test_every_caller_is_answered_once_and_every_answer_was_recorded(
    arrivals: list[tuple[float, str | None]], leavers: set[int], mode: Mode, seed: int
) -> None:
    server = make(
        "crash at_seconds=5 duration_seconds=1",
        "errors status=500 probability=0.1",
        "lose_answers probability=0.2",
        seed=seed,
        cv=1,
        collapse_at=4,
        collapse_mode=mode,
        down_seconds=3,
    )
    now, tickets, happenings = 0.0, set(), list[Happening]()
    for gap, key in arrivals:
        now += gap
        ticket = server.arrive(ask(key), now=now)
        happenings += server.advance(now)
        tickets.add(ticket)
        if ticket in leavers:
            server.leave(ticket)
    happenings += run_dry(server)
    recorded = effects(happenings)
    told = [h for h in happenings if isinstance(h, Reply)]
    assert len(told) == len({reply.ticket for reply in told})
    assert tickets - leavers <= {reply.ticket for reply in told} <= tickets
    numbers = {e.number: e.at for e in recorded}
    assert list(numbers) == list(range(1, len(recorded) + 1))
    for reply in told:
        assert reply.status != 201 or reply.record is not None
        assert reply.record is None or numbers[reply.record.number] <= reply.at
    keyed = [e.key for e in recorded if e.key is not None]
    assert len(keyed) == len(set(keyed))
