"""The delivery loop on virtual time: what is sent, in which order, and when."""

import asyncio
import random

import pytest

from gateway.core.decide import DeliveryPolicy
from gateway.core.enrollment import Answer, Enrollment
from gateway.core.lifecycle import Status
from gateway.core.limiter import LimiterSettings
from gateway.core.outcome import Broken, Exchange, NotConnected
from gateway.journal.contract import DuePage, JournalBroken, Kept, Totals
from gateway.journal.memory import MemoryJournal
from simulation import virtual_time
from tests.support.bench import NOT_HONOURED, new_bench
from tests.support.scripted_transport import RECORDED, ScriptedTransport, only_first


def test_what_the_journal_holds_is_delivered_once_and_the_body_as_it_came() -> None:
    async def scene() -> None:
        bench = await new_bench()
        enrollments = [bench.enrollment() for _ in range(100)]
        await bench.take_in(*enrollments)
        async with bench.running():
            await asyncio.sleep(60)
        assert set(bench.transport.times_sent.values()) == {1}
        assert {one.body for one in bench.transport.sent} == {one.body for one in enrollments}
        totals = await bench.journal.totals()
        assert totals.by_status[Status.DELIVERED] == 100

    virtual_time.run(scene())


def test_the_backlog_goes_in_the_order_accepted() -> None:
    async def scene() -> None:
        bench = await new_bench()
        for _ in range(50):
            await bench.take_in(bench.enrollment())
            await asyncio.sleep(0.01)
        async with bench.running():
            await asyncio.sleep(60)
        assert bench.transport.order == [f"key-{n}" for n in range(1, 51)]

    virtual_time.run(scene())


def test_the_window_counts_as_full_as_long_as_the_journal_has_more_than_the_page() -> None:
    """Else nothing could be measured: it began anew at the end of each page."""

    async def scene() -> None:
        transport, rng = ScriptedTransport(), random.Random(1)

        def unevenly(_enrollment: Enrollment, _sent_before: int) -> Exchange:
            transport.seconds = rng.uniform(0.02, 0.2)
            return RECORDED

        transport.script = unevenly
        bench = await new_bench(transport=transport)
        told: list[tuple[int, int]] = []
        due, totals, demand = bench.journal.due, bench.journal.totals, bench.limiter.demand

        async def slow_due(*, now: float, limit: int) -> DuePage:
            await asyncio.sleep(0.1)
            return await due(now=now, limit=limit)

        async def slow_totals() -> Totals:
            await asyncio.sleep(0.1)
            return await totals()

        def noted(waiting: int, *, now: float) -> None:
            told.append((waiting, len(bench.transport.sent) + bench.limiter.window))
            demand(waiting, now=now)

        bench.journal.due = slow_due  # type: ignore[method-assign]
        bench.journal.totals = slow_totals  # type: ignore[method-assign]
        bench.limiter.demand = noted  # type: ignore[method-assign]
        await bench.take_in(*(bench.enrollment() for _ in range(300)))
        async with bench.running():
            await asyncio.sleep(60)
        assert len(bench.transport.sent) == 300
        assert min(begun for waiting, begun in told if waiting == 0) >= 300

    virtual_time.run(scene())


def test_an_urgent_newcomer_overtakes_the_backlog() -> None:
    async def scene() -> None:
        bench = await new_bench(settings=LimiterSettings(min_window=1, max_window=1))
        await bench.take_in(*(bench.enrollment() for _ in range(100)))
        async with bench.running():
            await asyncio.sleep(1)
            await bench.take_in(bench.enrollment("urgent", priority=0))
            sent_before = len(bench.transport.sent)
            await asyncio.sleep(60)
        assert bench.transport.order.index("urgent") <= sent_before + 1

    virtual_time.run(scene())


def test_one_ordering_key_goes_one_at_a_time_and_in_order() -> None:
    async def scene() -> None:
        bench = await new_bench(transport=only_first(Answer(503, (), b"")))
        chain = [bench.enrollment(f"step-{n}", ordering_key="citizen") for n in range(5)]
        await bench.take_in(*chain)
        async with bench.running():
            await asyncio.sleep(300)
        delivered = [key for n, key in enumerate(bench.transport.order) if n % 2 == 1]
        assert delivered == [f"step-{n}" for n in range(5)]
        assert bench.transport.most_outstanding == 1

    virtual_time.run(scene())


def test_a_launched_enrollment_is_sent_at_once_on_its_reserved_slot() -> None:
    async def scene() -> None:
        bench = await new_bench()
        async with bench.running():
            await asyncio.sleep(1)
            live = bench.enrollment()
            assert bench.dispatcher.reserve(live.id)
            await bench.accept(live, sending=True)
            bench.dispatcher.launch(live)
            await asyncio.sleep(0.2)
            assert (await bench.life(live)).status is Status.DELIVERED
            assert (await bench.life(live)).attempts == 1
            assert bench.dispatcher.outlook().outstanding == 0

    virtual_time.run(scene())


def test_a_reserved_slot_that_is_withdrawn_is_free_again() -> None:
    async def scene() -> None:
        bench = await new_bench(settings=LimiterSettings(min_window=1, max_window=1))
        async with bench.running():
            await asyncio.sleep(1)
            assert bench.dispatcher.reserve("a")
            assert not bench.dispatcher.reserve("b")
            bench.dispatcher.withdraw("a")
            assert bench.dispatcher.reserve("b")
            bench.dispatcher.withdraw("b")

    virtual_time.run(scene())


def test_the_loop_sleeps_on_where_nothing_waits_to_be_started() -> None:
    async def scene() -> None:
        bench = await new_bench()
        async with bench.running():
            await asyncio.sleep(1)
            turns, ask = [], bench.gate.seconds_to_wakeup

            def counted() -> float | None:  # asked at the end of each turn
                turns.append(bench.clock.now())
                return ask()

            bench.gate.seconds_to_wakeup = counted  # type: ignore[method-assign]
            for _ in range(40):
                live = bench.enrollment()
                assert bench.dispatcher.reserve(live.id)
                await bench.accept(live, sending=True)
                bench.dispatcher.launch(live)
                await asyncio.sleep(0.2)
            assert len(bench.transport.sent) == 40
            assert len(turns) <= 4, "one for each longest sleep, or so"

    virtual_time.run(scene())


def test_the_journal_is_asked_for_its_counts_when_a_page_is_read_not_for_each_delivery() -> None:
    async def scene() -> None:
        bench = await new_bench(settings=LimiterSettings(min_window=1, max_window=1))
        asked, totals = [], bench.journal.totals

        async def counted() -> Totals:
            asked.append(bench.clock.now())
            return await totals()

        bench.journal.totals = counted  # type: ignore[method-assign]
        await bench.take_in(*(bench.enrollment() for _ in range(60)))
        async with bench.running():
            await asyncio.sleep(10)
        assert len(bench.transport.sent) == 60
        assert len(asked) < 10

    virtual_time.run(scene())


def test_a_journal_that_breaks_while_nothing_waits_ends_the_loop() -> None:
    async def scene() -> None:
        bench = await new_bench()
        loop = asyncio.get_running_loop().create_task(bench.dispatcher.run())
        await asyncio.sleep(60)

        async def totals() -> Totals:
            raise JournalBroken("the disk failed")

        bench.journal.totals = totals  # type: ignore[method-assign]
        await asyncio.wait({loop}, timeout=10)
        assert isinstance(loop.exception(), JournalBroken)

    virtual_time.run(scene())


def test_what_the_loop_found_before_intake_was_told_is_not_started_twice() -> None:
    async def scene() -> None:
        bench = await new_bench()
        async with bench.running():
            one = bench.enrollment()
            await bench.accept(one)
            bench.dispatcher.nudge()
            await asyncio.sleep(0.05)
            assert bench.dispatcher.outlook().outstanding == 1
            bench.dispatcher.enqueue(one, rank=one.accepted_at, live=True)
            await asyncio.sleep(1)
        assert bench.transport.order == [one.key]

    virtual_time.run(scene())


def test_an_intent_that_waited_too_long_for_its_first_byte_begins_anew() -> None:
    async def scene() -> None:
        bench = await new_bench(policy=NOT_HONOURED)
        one = bench.enrollment()
        stalled = asyncio.Event()

        async def begin(enrollment_id: str, *, now: float, whole: bool = True) -> Kept | None:
            begun = MemoryJournal.begin(bench.journal, enrollment_id, now=now, whole=whole)
            if not stalled.is_set():
                stalled.set()
                kept = await begun
                await asyncio.sleep(6)
                return kept
            return await begun

        bench.journal.begin = begin  # type: ignore[method-assign]
        await bench.take_in(one)
        async with bench.running():
            await asyncio.sleep(5.5)
            assert bench.transport.order == []
            await asyncio.sleep(2)
        assert bench.transport.order == [one.key]
        assert (await bench.life(one)).attempts == 2

    virtual_time.run(scene())


def test_one_that_always_fails_does_not_keep_the_others() -> None:
    def script(enrollment: Enrollment, _before: int) -> Exchange:
        return Answer(500, (), b"") if enrollment.key == "poison" else RECORDED

    async def scene() -> None:
        bench = await new_bench(transport=ScriptedTransport(script=script))
        await bench.take_in(bench.enrollment("poison"))
        others = [bench.enrollment() for _ in range(200)]
        await bench.take_in(*others)
        async with bench.running():
            await asyncio.sleep(60)
        for other in others:
            assert (await bench.life(other)).status is Status.DELIVERED
        assert bench.gate.reachable

    virtual_time.run(scene())


def test_the_window_is_never_exceeded_and_during_an_outage_one_canary_knocks_at_a_time() -> None:
    async def scene() -> None:
        down = True

        def script(_enrollment: Enrollment, _before: int) -> Exchange:
            return NotConnected("refused") if down else RECORDED

        bench = await new_bench(transport=ScriptedTransport(script=script))
        await bench.take_in(*(bench.enrollment() for _ in range(500)))
        async with bench.running():
            await asyncio.sleep(30)
            before = len(bench.transport.sent)
            bench.transport.most_outstanding = 0
            await asyncio.sleep(300)
            assert bench.transport.most_outstanding == 1
            assert len(bench.transport.sent) - before <= 300 / 0.5
            down = False
            await asyncio.sleep(300)
        assert (await bench.journal.totals()).by_status[Status.DELIVERED] == 500

    virtual_time.run(scene())


@pytest.mark.parametrize("honours_key", [True, False])
def test_a_canary_that_hangs_is_given_up_if_it_may_be_sent_again(*, honours_key: bool) -> None:
    async def scene() -> None:
        hangs = False

        def script(_enrollment: Enrollment, _before: int) -> Exchange:
            return Broken("timeout") if hangs else RECORDED

        policy = DeliveryPolicy(honours_key=honours_key, can_look_up=not honours_key)
        bench = await new_bench(transport=ScriptedTransport(script=script), policy=policy)
        await bench.take_in(*(bench.enrollment() for _ in range(2000)))
        async with bench.running():
            await asyncio.sleep(2)
            hangs, bench.transport.seconds = True, 30.0
            await asyncio.sleep(66)
            hangs, bench.transport.seconds = False, 0.1
            await asyncio.sleep(17)
            assert bench.gate.reachable is honours_key

    virtual_time.run(scene())
