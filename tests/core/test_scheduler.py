"""Who goes next."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.scheduler import Plan, live_share, may_go_at_once, plan


def chosen(
    *, free: int, window: int = 10, held: int = 0, live: str = "", backlog: str = ""
) -> Plan:
    return plan(
        free=free, window=window, live_outstanding=held, newest_live=live, backlog=list(backlog)
    )


def test_live_gets_half_of_the_window_and_the_backlog_the_rest() -> None:
    assert chosen(free=4, window=4, live="xyz", backlog="abc") == Plan(("x", "y"), ("a", "b"))


def test_the_newest_live_and_the_first_of_the_backlog_go_first() -> None:
    assert chosen(free=2, window=2, live="xyz", backlog="abc") == Plan(("x",), ("a",))


def test_what_live_holds_already_counts_against_its_half() -> None:
    assert chosen(free=2, window=4, held=2, live="xyz", backlog="abc") == Plan((), ("a", "b"))


def test_a_side_with_nothing_to_send_leaves_its_slots_to_the_other() -> None:
    assert chosen(free=4, window=4, live="xyz") == Plan(("x", "y", "z"), ())
    assert chosen(free=4, window=4, backlog="abc") == Plan((), ("a", "b", "c"))


def test_with_one_slot_the_backlog_is_served_and_not_starved_by_newcomers() -> None:
    assert chosen(free=1, window=1, live="xyz", backlog="abc") == Plan((), ("a",))


def test_a_live_one_that_is_also_due_goes_once() -> None:
    assert chosen(free=4, window=4, live="ba", backlog="abc") == Plan(("b", "a"), ("c",))


@given(
    free=st.integers(0, 30),
    window=st.integers(1, 30),
    held=st.integers(0, 30),
    live=st.lists(st.sampled_from("abcdefghij"), unique=True),
    backlog=st.lists(st.sampled_from("fghijklmno"), unique=True),
)
def test_a_plan_is_work_conserving_and_sends_nothing_twice(
    free: int, window: int, held: int, live: list[str], backlog: list[str]
) -> None:
    made = plan(free=free, window=window, live_outstanding=held, newest_live=live, backlog=backlog)
    sent = made.live + made.backlog
    assert len(sent) == len(set(sent)) == min(free, len({*live, *backlog}))
    left = [one for one in backlog if one not in sent]
    if left:  # while a backlog waits, live stays within its half
        assert held + len(made.live) <= max(live_share(window), held)


def test_a_newcomer_goes_at_once_into_the_live_half_or_an_idle_window() -> None:
    assert may_go_at_once(free=1, window=10, live_outstanding=9, contended=False)
    assert may_go_at_once(free=1, window=10, live_outstanding=4, contended=True)
    assert not may_go_at_once(free=1, window=10, live_outstanding=5, contended=True)
    assert not may_go_at_once(free=0, window=10, live_outstanding=0, contended=False)
