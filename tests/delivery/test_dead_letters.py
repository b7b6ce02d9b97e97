"""Enrollments that grow too old, on virtual time."""

import asyncio

import pytest

from gateway.core.decide import REQUEUED, DeliveryPolicy
from gateway.core.enrollment import Answer
from gateway.core.lifecycle import Status
from gateway.core.limiter import LimiterSettings
from gateway.core.retry import RetryPolicy
from gateway.journal.contract import Change
from simulation import virtual_time
from tests.support.bench import new_bench
from tests.support.scripted_transport import ScriptedTransport, recorded


def test_what_is_too_old_becomes_a_dead_letter_and_is_kept() -> None:
    async def scene() -> None:
        policy = DeliveryPolicy(retry=RetryPolicy(max_age=600.0))
        down = ScriptedTransport(script=lambda _enrollment, _before: Answer(503, (), b""))
        bench = await new_bench(transport=down, policy=policy)
        one = bench.enrollment()
        await bench.take_in(one)
        async with bench.running():
            await asyncio.sleep(1200)
        life = await bench.life(one)
        assert (life.status, life.reason) == (Status.DEAD_LETTER, "too-old")
        assert await bench.journal.load(one.id) is not None

    virtual_time.run(scene())


def test_what_grows_too_old_while_it_stands_in_the_page_is_not_sent() -> None:
    async def scene() -> None:
        bench = await new_bench(
            transport=ScriptedTransport(seconds=100.0),
            policy=DeliveryPolicy(retry=RetryPolicy(max_age=650.0)),
            settings=LimiterSettings(min_window=1, max_window=1),
        )
        await bench.take_in(*(bench.enrollment() for _ in range(20)))
        async with bench.running():
            await asyncio.sleep(1200)
        assert len(bench.transport.sent) == 7
        totals = await bench.journal.totals()
        assert totals.by_status[Status.DELIVERED] == 7
        assert totals.by_status[Status.DEAD_LETTER] == 13

    virtual_time.run(scene())


def test_the_slot_of_one_that_grew_too_old_goes_to_the_next_at_once() -> None:
    async def scene() -> None:
        bench = await new_bench(
            transport=ScriptedTransport(seconds=60.0),
            policy=DeliveryPolicy(retry=RetryPolicy(max_age=110.0)),
            settings=LimiterSettings(min_window=1, max_window=1),
        )
        await bench.take_in(*(bench.enrollment() for _ in range(3)))
        async with bench.running():
            await asyncio.sleep(55)
            young = bench.enrollment()
            await bench.take_in(young)
            bench.dispatcher.nudge()  # so that it stands in the same page
            await asyncio.sleep(66)
            assert [one.id for one in bench.transport.sent].index(young.id) == 2

    virtual_time.run(scene())


@pytest.mark.parametrize(
    ("down_for", "ends"), [(300.0, Status.DELIVERED), (3600.0, Status.DEAD_LETTER)]
)
def test_a_dead_letter_that_a_person_requeues_in_an_outage_has_its_whole_time_again(
    down_for: float, ends: Status
) -> None:
    async def scene() -> None:
        policy = DeliveryPolicy(retry=RetryPolicy(max_age=600.0))
        down = ScriptedTransport(script=lambda _enrollment, _before: Answer(503, (), b""))
        bench = await new_bench(transport=down, policy=policy)
        one = bench.enrollment()
        await bench.take_in(one)
        async with bench.running():
            await asyncio.sleep(1200)
            assert (await bench.life(one)).reason == "too-old"
            requeued = Change(Status.PENDING, REQUEUED, bench.clock.now())
            assert await bench.journal.change(one.id, requeued, now=bench.clock.now())
            bench.dispatcher.nudge()
            await asyncio.sleep(down_for)
            down.script = recorded
            await asyncio.sleep(120)
            assert (await bench.life(one)).status is ends

    virtual_time.run(scene())
