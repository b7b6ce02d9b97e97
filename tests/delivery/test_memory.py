"""What delivery remembers over a restart is what was learned, whichever version kept it."""

import json

import pytest

from gateway.core.limiter import Memory as WindowMemory
from gateway.delivery.memory import Memory
from simulation import virtual_time
from tests.support.bench import new_bench


@pytest.mark.parametrize(
    "learned",
    [
        WindowMemory(),
        WindowMemory(good_window=60, cliff=80, cliff_age=120.0, cliff_hold=600.0),
        WindowMemory(good_window=60, cliff=42, cliff_hold=60.0, fall=80),
        WindowMemory(good_window=60, cliff=42, cliff_hold=60.0, fall=0),
    ],
)
def test_what_was_learned_is_there_after_a_restart(learned: WindowMemory) -> None:
    async def scene() -> None:
        bench = await new_bench()
        await Memory(bench.journal, bench.clock).keep_window(learned)
        assert await Memory(bench.journal, bench.clock).window() == learned

    virtual_time.run(scene())


def test_what_another_version_kept_beside_it_is_passed_over() -> None:
    async def scene() -> None:
        bench = await new_bench()
        await bench.journal.remember("window", json.dumps({"good_window": 60, "later": 1}))
        assert await Memory(bench.journal, bench.clock).window() == WindowMemory(good_window=60)

    virtual_time.run(scene())
