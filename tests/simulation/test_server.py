"""The fast server does what the recording server's model does."""

from random import Random

import pytest

from loadtests.server.capacity import Capacity, Changed, Ended, Fate
from loadtests.server.model import Mode
from simulation.server import FastServer
from simulation.servers import server


@pytest.mark.parametrize("cv", [0.0, 0.3, 1.5])
def test_it_ends_the_same_work_at_the_same_times(cv: float) -> None:
    model = server(10, 0.2, 2000, cv=cv)
    slow: Capacity[str] = Capacity(model, Random(4), now=0.0)
    fast = FastServer(model, Random(4), down_until=0.0)
    arrivals = Random(9)
    now, slow_ended, fast_ended = 0.0, [], []
    for number in range(2000):
        now += arrivals.expovariate(45.0)
        while fast.serving and fast.serving[0][0] <= now:
            at = fast.serving[0][0]
            fast_ended.append((at, fast.complete()))
        if number == 1000:
            slow.set_pace(workers_factor=2.0, service_factor=1.5, now=now)
            fast.set_pace(workers_factor=2.0, service_factor=1.5, now=now)
        assert slow.arrive(str(number), now=now) is None
        assert fast.arrive(str(number), now=now) is None
        slow_ended += [
            (event.at, event.work) for event in slow.advance(now) if isinstance(event, Ended)
        ]
    assert len(fast_ended) > 1500
    assert [work for _, work in fast_ended] == [work for _, work in slow_ended]
    assert [at for at, _ in fast_ended] == pytest.approx([at for at, _ in slow_ended])


def test_it_falls_over_at_the_same_number_and_loses_the_same_work() -> None:
    model = server(10, 0.2, 15)
    slow: Capacity[str] = Capacity(model, Random(4), now=0.0)
    fast = FastServer(model, Random(4), down_until=0.0)
    for number in range(15):
        assert slow.arrive(str(number), now=0.0) is None
        assert fast.arrive(str(number), now=0.0) is None
    slow.arrive("last", now=0.0)
    lost = fast.arrive("last", now=0.0)
    events = slow.advance(0.0)
    ended = {event.work for event in events if isinstance(event, Ended)}
    assert any(isinstance(event, Changed) and event.cause == "collapse" for event in events)
    assert all(event.fate is not Fate.DONE for event in events if isinstance(event, Ended))
    assert lost is not None
    assert {*lost, "last"} == ended
    assert fast.down_until == slow.down_until == 60.0
    assert slow.arrive("later", now=59.0) is Mode.HANG
    assert fast.arrive("later", now=59.0) == []
