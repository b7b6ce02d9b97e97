"""UUIDv7."""

import random
import uuid

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ids import minted_at, uuid7


@given(now=st.floats(0, 4e9), seed=st.integers())
def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond(now: float, seed: int) -> None:
    text = uuid7(now=now, rng=random.Random(seed))
    made = uuid.UUID(text)
    assert text == str(made)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(now * 1000)
    assert minted_at(text) == int(now * 1000) / 1000


def test_ids_sort_by_time() -> None:
    rng = random.Random(1)
    made = [uuid7(now=1_700_000_000 + n * 0.001, rng=rng) for n in range(1000)]
    assert made == sorted(made)
