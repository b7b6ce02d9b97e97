"""What is remembered of the server, and how far it is believed."""

import pytest

from gateway.core.recovery.knowledge import Knowledge, Memory
from gateway.core.recovery.settings import LimiterSettings

SETTINGS = LimiterSettings(max_window=256)


def knowledge(memory: Memory | None = None) -> Knowledge:
    return Knowledge(SETTINGS, memory, now=1000.0)


def test_without_a_cliff_the_operators_cap_is_the_ceiling() -> None:
    assert knowledge().clamp(10_000, now=1000.0) == 256
    assert knowledge().clamp(0, now=1000.0) == 1


def test_a_cliff_bounds_the_window_for_ten_minutes_and_then_loosens() -> None:
    known = knowledge()
    known.learn_cliff(100, now=1000.0)
    assert [known.clamp(256, now=1000.0 + after) for after in (0, 600, 1200, 1800)] == [
        85,
        85,
        93,
        102,
    ]


def test_a_cliff_below_the_good_window_is_believed_longer_each_time_it_is_met() -> None:
    known = knowledge(Memory(good_window=60))
    holds = []
    for now in range(1000, 8000, 1000):
        known.learn_cliff(40, now=float(now))
        assert known.cliff is not None
        holds.append(known.cliff.hold)
    assert holds == [60, 120, 240, 480, 600, 600, 600]


def test_of_two_cliffs_close_together_the_lower_counts() -> None:
    known = knowledge()
    known.learn_cliff(50, now=1000.0)
    known.learn_cliff(55, now=1001.0)
    assert known.cliff is not None
    assert known.cliff.at == 50


def test_a_cliff_told_by_failures_is_none_where_they_come_well_below_it_too() -> None:
    known = knowledge(Memory(good_window=60))
    known.learn_cliff(42, now=1000.0, fell=False)
    known.overloaded(36)
    assert known.clamp(256, now=1000.0) == 35
    known.overloaded(29)
    assert known.cliff is None


def test_a_cliff_at_which_the_server_fell_stays_and_is_what_is_left() -> None:
    known = knowledge(Memory(good_window=60))
    known.learn_cliff(80, now=1000.0)
    known.overloaded(20)
    assert known.clamp(256, now=1000.0) == 68
    known.learn_cliff(42, now=1001.0, fell=False)
    known.overloaded(20)
    assert known.clamp(256, now=1001.0) == 68


def test_memory_survives_a_restart_with_the_cliffs_age() -> None:
    known = knowledge()
    known.good = 40
    known.learn_cliff(60, now=1000.0)
    memory = known.memory(now=1330.0)
    assert memory == Memory(good_window=40, cliff=60, cliff_age=300.0, cliff_hold=600.0)
    again = Knowledge(SETTINGS, memory, now=5.0)
    assert again.good == 40
    assert again.clamp(256, now=5.0) == 51
    assert again.clamp(256, now=5.0 + 300 + 600) == 56


def test_a_cliff_told_by_failures_is_taken_back_after_a_restart_too() -> None:
    known = knowledge(Memory(good_window=60))
    known.learn_cliff(42, now=1000.0, fell=False)
    again = Knowledge(SETTINGS, known.memory(now=1000.0), now=5.0)
    assert again.clamp(256, now=5.0) == 35
    again.overloaded(29)
    assert again.cliff is None


def test_what_is_left_of_a_cliff_told_by_failures_survives_a_restart() -> None:
    known = knowledge(Memory(good_window=60))
    known.learn_cliff(80, now=1000.0)
    known.learn_cliff(42, now=1001.0, fell=False)
    again = Knowledge(SETTINGS, known.memory(now=1001.0), now=5.0)
    assert again.clamp(256, now=5.0) == 35
    again.overloaded(20)
    assert again.clamp(256, now=5.0) == 68


def test_a_cliff_of_a_fall_stays_one_over_a_restart() -> None:
    known = knowledge()
    known.learn_cliff(60, now=1000.0)
    again = Knowledge(SETTINGS, known.memory(now=1000.0), now=5.0)
    again.overloaded(20)
    assert again.clamp(256, now=5.0) == 51


def test_bounds_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="min_window 5 must be between 1 and max_window 4"):
        LimiterSettings(min_window=5, max_window=4)
