"""The first effect of a key stays; a season of keys stays small."""

import tracemalloc

from loadtests.server.recorded import Record, RecordedKeys


def test_a_key_is_found_only_after_its_effect() -> None:
    keys = RecordedKeys()
    assert keys.find("a") is None
    assert keys.see("a") == 1
    assert keys.find("a") is None
    keys.record("a", 7, 12.5)
    assert keys.find("a") == Record(7, 12.5)
    assert keys.find("b") is None


def test_every_sight_of_a_key_is_counted_by_itself() -> None:
    keys = RecordedKeys()
    assert [keys.see(key) for key in "abaab"] == [1, 1, 2, 3, 2]


def test_a_second_effect_leaves_the_first() -> None:
    keys = RecordedKeys()
    keys.see("a")
    keys.record("a", 1, 1.0)
    keys.record("a", 2, 2.0)
    assert keys.find("a") == Record(1, 1.0)


def test_a_season_of_keys_takes_less_than_forty_megabytes() -> None:
    tracemalloc.start()
    try:
        keys = RecordedKeys()
        for number in range(155_000):
            key = f"0197c0de-0000-7000-8000-{number:012d}"
            keys.see(key)
            keys.record(key, number + 1, float(number))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 40e6
