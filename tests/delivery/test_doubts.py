"""Doubts on virtual time: sent again, looked up, or left to a person; never a blind second send."""

import asyncio
from dataclasses import replace

import pytest

from gateway.core.decide import REQUEUED, DeliveryPolicy
from gateway.core.enrollment import Answer, Enrollment
from gateway.core.facts import DoubtResolved, EnrollmentSettled
from gateway.core.lifecycle import Status
from gateway.core.outcome import Broken, Exchange
from gateway.core.retry import RetryPolicy
from gateway.journal.contract import Change
from simulation import virtual_time
from tests.support.bench import NOT_HONOURED, Bench, new_bench
from tests.support.scripted_transport import RECORDED, ScriptedTransport, only_first


@pytest.mark.parametrize(
    "fault", [Broken("timeout"), Broken("eof"), Answer(500, (), b""), Answer(502, (), b"")]
)
def test_a_doubt_is_sent_again_with_the_same_key_where_the_server_honours_it(
    fault: Exchange,
) -> None:
    async def scene() -> None:
        bench = await new_bench(transport=only_first(fault))
        one = bench.enrollment()
        await bench.take_in(one)
        async with bench.running():
            await asyncio.sleep(120)
        assert bench.transport.order == [one.key, one.key]
        assert (await bench.life(one)).status is Status.DELIVERED
        assert DoubtResolved(one.id, "resend") in bench.facts

    virtual_time.run(scene())


def test_a_lookup_that_finds_it_ends_the_doubt_without_a_second_send() -> None:
    async def scene() -> None:
        transport = replace(only_first(Broken("eof")), lookup=lambda _key: Answer(200, (), b"{}"))
        bench = await new_bench(transport=transport, policy=NOT_HONOURED)
        one = bench.enrollment()
        await bench.take_in(one)
        async with bench.running():
            await asyncio.sleep(120)
        assert bench.transport.order == [one.key]
        assert (await bench.life(one)).status is Status.DELIVERED
        assert DoubtResolved(one.id, "lookup") in bench.facts

    virtual_time.run(scene())


def test_not_there_is_believed_only_after_the_settle_time_and_then_it_is_sent() -> None:
    async def scene() -> None:
        bench = await new_bench(transport=only_first(Broken("eof")), policy=NOT_HONOURED)
        one = bench.enrollment()
        await bench.take_in(one)
        async with bench.running():
            await asyncio.sleep(50)
            assert bench.transport.order == [one.key]
            told = [fact for fact in bench.facts if isinstance(fact, EnrollmentSettled)]
            assert len(bench.transport.looked_up) >= 1
            assert [fact.answer for fact in told if fact.answer is not None] == []
            kept = await bench.journal.find(one.id)
            assert kept is not None
            assert kept.answer is None  # the lookup's 404 is no answer to the enrollment
            await asyncio.sleep(60)
        assert bench.transport.order == [one.key, one.key]
        assert len(bench.transport.looked_up) >= 2
        assert (await bench.life(one)).status is Status.DELIVERED

    virtual_time.run(scene())


def test_a_doubt_that_cannot_be_read_is_left_to_a_person_before_anything_is_asked() -> None:
    async def scene() -> None:
        bench = await new_bench(transport=only_first(Broken("eof")), policy=NOT_HONOURED)
        one = bench.enrollment()
        await bench.take_in(one)
        async with bench.running():
            await asyncio.sleep(0.2)
            assert (await bench.life(one)).status is Status.IN_DOUBT
        again = Bench(bench.journal, policy=NOT_HONOURED)  # with other keys
        async with again.running():
            await asyncio.sleep(120)
        life = await again.life(one)
        assert (life.status, life.reason) == (Status.DEAD_LETTER, "unreadable")
        assert again.transport.looked_up == again.transport.order == []

    virtual_time.run(scene())


def test_without_key_and_lookup_a_doubt_waits_for_a_person_and_is_never_sent_twice() -> None:
    async def scene() -> None:
        policy = DeliveryPolicy(honours_key=False)
        bench = await new_bench(transport=only_first(Broken("eof")), policy=policy)
        one, other = bench.enrollment(), bench.enrollment()
        await bench.take_in(one, other)
        async with bench.running():
            await asyncio.sleep(3600)
        assert set(bench.transport.times_sent.values()) == {1}
        for parked in (one, other):
            life = await bench.life(parked)
            assert (life.status, life.reason) == (Status.DEAD_LETTER, "in-doubt")

    virtual_time.run(scene())


def test_what_was_sending_at_a_crash_is_in_doubt_and_resolved_after_the_restart() -> None:
    async def scene() -> None:
        transport = ScriptedTransport(seconds=1000.0)
        bench = await new_bench(transport=transport)
        one = bench.enrollment()
        await bench.take_in(one)
        loop = asyncio.get_running_loop().create_task(bench.dispatcher.run())
        await asyncio.sleep(5)
        bench.journal.crash()
        loop.cancel()
        assert await bench.journal.open(now=bench.clock.now()) == 1
        again = Bench(bench.journal, sealer=bench.sealer)
        async with again.running():
            await asyncio.sleep(10)
        assert again.transport.order == [one.key]
        assert (await again.life(one)).attempts == 2

    virtual_time.run(scene())


async def interrupted_by_a_crash(after_seconds: float) -> tuple[Bench, Bench, Enrollment]:
    """An attempt that a crash cut off, and the next process, whose clock is set by so much."""
    bench = await new_bench(transport=ScriptedTransport(seconds=1000.0), policy=NOT_HONOURED)
    one = bench.enrollment()
    await bench.take_in(one)
    loop = asyncio.get_running_loop().create_task(bench.dispatcher.run())
    await asyncio.sleep(1)
    bench.journal.crash()
    loop.cancel()
    bench.clock.jump(after_seconds)
    assert await bench.journal.open(now=bench.clock.now()) == 1
    again = Bench(bench.journal, sealer=bench.sealer, policy=NOT_HONOURED, clock=bench.clock)
    return bench, again, one


def test_a_clock_set_forward_before_a_restart_does_not_settle_a_doubt() -> None:
    async def scene() -> None:
        _, again, one = await interrupted_by_a_crash(3600.0)
        async with again.running():
            await asyncio.sleep(59)
            assert again.transport.looked_up == [one.key]
            assert again.transport.order == []
            await asyncio.sleep(10)
            assert again.transport.order == [one.key]

    virtual_time.run(scene())


def test_what_lookups_find_does_not_count_as_recorded_by_the_server() -> None:
    async def scene() -> None:
        transport = replace(only_first(Broken("eof")), lookup=lambda _key: Answer(200, (), b"{}"))
        bench = await new_bench(transport=transport, policy=NOT_HONOURED)
        await bench.take_in(*(bench.enrollment() for _ in range(4)))
        async with bench.running():
            await asyncio.sleep(100)
            assert (await bench.journal.totals()).by_status[Status.DELIVERED] == 4
            assert bench.dispatcher.outlook().rate == 0.0
            assert bench.dispatcher.outlook().outstanding == 0

    virtual_time.run(scene())


@pytest.mark.parametrize("recorded", [True, False])
def test_a_doubt_that_a_person_requeues_is_looked_up_before_it_is_sent_again(
    recorded: bool,  # noqa: FBT001 - a case of the table
) -> None:
    async def scene() -> None:
        found = Answer(200 if recorded else 404, (), b"{}")
        transport = replace(only_first(Broken("eof")), lookup=lambda _key: found)
        policy = replace(NOT_HONOURED, retry=RetryPolicy(max_age=0.0))
        bench = await new_bench(transport=transport, policy=policy)
        one = bench.enrollment()
        await bench.take_in(one)
        async with bench.running():
            await asyncio.sleep(120)
            assert (await bench.life(one)).status is Status.DEAD_LETTER
            requeued = Change(Status.PENDING, REQUEUED, bench.clock.now())
            assert await bench.journal.change(one.id, requeued, now=bench.clock.now())
            bench.dispatcher.nudge()
            await asyncio.sleep(120)
        assert transport.order == [one.key] * (1 if recorded else 2)
        assert (await bench.life(one)).status is Status.DELIVERED

    virtual_time.run(scene())


def test_an_exception_of_the_transport_is_one_enrollments_doubt_and_not_the_loops_end() -> None:
    def script(enrollment: Enrollment, before: int) -> Exchange:
        if enrollment.key == "strange" and before == 0:
            raise ValueError("a header that cannot be sent")
        return RECORDED

    async def scene() -> None:
        bench = await new_bench(transport=ScriptedTransport(script=script))
        strange, other = bench.enrollment("strange"), bench.enrollment()
        await bench.take_in(strange, other)
        async with bench.running():
            await asyncio.sleep(120)
        assert (await bench.life(strange)).status is Status.DELIVERED
        assert (await bench.life(other)).status is Status.DELIVERED

    virtual_time.run(scene())
