"""Who goes before whom, on virtual time: oldest first among equals, and past a flood."""

import asyncio
import random
from dataclasses import dataclass, field
from statistics import mean, quantiles

import pytest

from gateway.core.enrollment import Enrollment
from gateway.core.facts import EnrollmentSettled, Fact
from gateway.core.limiter import LimiterSettings
from gateway.core.outcome import Exchange
from simulation import virtual_time
from tests.support.bench import Bench, new_bench
from tests.support.scripted_transport import ScriptedTransport

WINDOW = LimiterSettings(initial_window=10, min_window=10, max_window=10)
STATIONS = [f"desk {number}" for number in range(20)]
FLOOD = "flood"


@dataclass
class Uneven(ScriptedTransport):
    """A server that takes half a second for each, now more, now less: 20 a second at window 10."""

    rng: random.Random = field(default_factory=lambda: random.Random(1))

    async def _take_time(self, exchange: Exchange) -> Exchange:
        self.seconds = 0.5 * self.rng.lognormvariate(-0.043, 0.293)
        return await super()._take_time(exchange)


class Desks:
    """Stations that send into one bench, and how long each enrollment took to be recorded."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.delays: dict[str, list[float]] = {}
        self._sent: dict[str, tuple[str, float]] = {}
        bench.publish = self._hear

    async def send(self, station: str, *, per_second: float, seed: int, until: float) -> None:
        """Send at random moments."""
        rng = random.Random(f"{station}/{seed}")
        loop = asyncio.get_running_loop()
        while (wait := rng.expovariate(per_second)) + loop.time() < until:
            await asyncio.sleep(wait)
            await self._take_in(self.bench.enrollment(station=station))

    async def _take_in(self, enrollment: Enrollment) -> None:
        """As intake does for a station that waits for the answer."""
        self._sent[enrollment.id] = enrollment.station, asyncio.get_running_loop().time()
        if self.bench.dispatcher.reserve(enrollment.id):
            await self.bench.accept(enrollment, sending=True)
            self.bench.dispatcher.launch(enrollment)
        else:
            await self.bench.take_in(enrollment, live=True)

    def _hear(self, fact: Fact) -> None:
        if isinstance(fact, EnrollmentSettled):
            station, sent_at = self._sent[fact.id]
            now = asyncio.get_running_loop().time()
            self.delays.setdefault(station, []).append(now - sent_at)


async def work(seconds: float, *, each: float, flood: float, seed: int) -> dict[str, list[float]]:
    """Delays by station: each of twenty sends ``each`` a second, one more sends ``flood``."""
    bench = await new_bench(transport=Uneven(), settings=WINDOW)
    desks = Desks(bench)
    async with bench.running(), asyncio.TaskGroup() as group:
        for name in STATIONS:
            group.create_task(desks.send(name, per_second=each, seed=seed, until=seconds))
        if flood:
            group.create_task(desks.send(FLOOD, per_second=flood, seed=seed, until=seconds))
    return desks.delays


def of_the_others(delays: dict[str, list[float]]) -> list[float]:
    return [delay for name in STATIONS for delay in delays.get(name, ())]


@pytest.mark.parametrize(("each", "seed"), [(0.2, 1), (0.3, 2)])
def test_a_station_that_sends_a_hundred_times_as_much_delays_the_others_little(
    each: float, seed: int
) -> None:
    # The server takes 20 a second; the others bring 4 or 6, and the flood 20 or 30.
    quiet = of_the_others(virtual_time.run(work(60.0, each=each, flood=0.0, seed=seed)))
    loud = of_the_others(virtual_time.run(work(60.0, each=each, flood=100 * each, seed=seed)))
    assert len(quiet) > 200
    assert mean(loud) <= 1.5 * mean(quiet)
    assert quantiles(loud, n=20)[-1] <= 1.5 * quantiles(quiet, n=20)[-1]


def test_a_flood_is_not_starved_and_uses_what_the_others_leave() -> None:
    delays = virtual_time.run(work(60.0, each=0.5, flood=50.0, seed=1))
    others, flood = len(of_the_others(delays)), len(delays[FLOOD])
    assert others + flood > 0.93 * 20 * 60
    assert flood > 0.85 * 10 * 60


def test_a_backlog_of_stations_that_are_alike_goes_in_the_order_accepted() -> None:
    async def scene() -> None:
        bench = await new_bench(settings=WINDOW)
        rng = random.Random(1)
        keys = []
        for _ in range(1500):
            one = bench.enrollment(station=rng.choice(STATIONS))
            keys.append(one.key)
            await bench.take_in(one)
            await asyncio.sleep(0.01)
        async with bench.running():
            await asyncio.sleep(60)
        assert bench.transport.order == keys

    virtual_time.run(scene())


def test_who_comes_while_a_flood_fills_the_page_in_memory_goes_next() -> None:
    async def scene() -> None:
        one_at_a_time = LimiterSettings(initial_window=1, min_window=1, max_window=1)
        bench = await new_bench(settings=one_at_a_time)
        await bench.take_in(*(bench.enrollment(station=FLOOD) for _ in range(500)))
        async with bench.running():
            await asyncio.sleep(10)
            before = len(bench.transport.order)
            await bench.take_in(bench.enrollment("late", station="desk 1"))
            await asyncio.sleep(10)
        assert 8 < before < 400
        assert bench.transport.order.index("late") <= before + 1

    virtual_time.run(scene())
