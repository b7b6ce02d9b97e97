"""The delivery loop on virtual time: what is sent, in which order, and what becomes of it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace

import pytest

from gateway.core.decide import REQUEUED, DeliveryPolicy
from gateway.core.enrollment import Answer, Enrollment
from gateway.core.facts import DoubtResolved, EnrollmentSettled, Fact, UpstreamState
from gateway.core.lifecycle import Status
from gateway.core.limiter import LimiterSettings
from gateway.core.outcome import Broken, Credential, Exchange, NotConnected
from gateway.core.retry import RetryPolicy
from gateway.journal.contract import Change, JournalBroken, Kept, Totals
from gateway.journal.memory import MemoryJournal
from simulation import virtual_time
from tests.support.bench import Bench, new_bench
from tests.support.scripted_transport import RECORDED, ScriptedTransport, recorded


def on_virtual_time(scene: Coroutine[object, object, None]) -> None:
    virtual_time.run(scene)


def only_first(exchange: Exchange, then: Exchange = RECORDED) -> ScriptedTransport:
    """The first try of each enrollment ends with ``exchange``."""
    return ScriptedTransport(script=lambda _, before: exchange if before == 0 else then)


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

    on_virtual_time(scene())


def test_the_backlog_goes_in_the_order_accepted() -> None:
    async def scene() -> None:
        bench = await new_bench()
        for _ in range(50):
            await bench.take_in(bench.enrollment())
            await asyncio.sleep(0.01)
        async with bench.running():
            await asyncio.sleep(60)
        assert bench.transport.order == [f"key-{n}" for n in range(1, 51)]

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


def test_the_station_has_its_answer_before_the_outcome_is_durable() -> None:
    async def scene() -> None:
        bench = await new_bench()
        live = bench.enrollment()
        seen_in_journal: list[Status] = []

        def look(fact: Fact) -> None:
            if isinstance(fact, EnrollmentSettled):
                seen_in_journal.append(bench.journal._disk.rows[live.id].life.status)

        bench.publish = look
        async with bench.running():
            await bench.take_in(live)
            await asyncio.sleep(1)
        assert seen_in_journal == [Status.SENDING]

    on_virtual_time(scene())


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

    on_virtual_time(scene())


NOT_HONOURED = DeliveryPolicy(honours_key=False, can_look_up=True, settle_seconds=60.0)


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())


@pytest.mark.parametrize(
    "fault", [NotConnected("tls"), NotConnected("dns"), Answer(401, (), b""), Answer(403, (), b"")]
)
def test_a_fault_of_the_whole_pauses_burns_few_attempts_and_heals_by_itself(
    fault: Exchange,
) -> None:
    async def scene() -> None:
        healed = False

        def script(_enrollment: Enrollment, _before: int) -> Exchange:
            return RECORDED if healed else fault

        bench = await new_bench(transport=ScriptedTransport(script=script))
        await bench.take_in(*(bench.enrollment() for _ in range(100)))
        async with bench.running():
            await asyncio.sleep(600)
            assert bench.gate.view().state is UpstreamState.PAUSED
            assert len(bench.transport.sent) < 60
            assert (await bench.journal.totals()).by_status[Status.DEAD_LETTER] == 0
            healed = True
            await asyncio.sleep(120)
        assert (await bench.journal.totals()).by_status[Status.DELIVERED] == 100

    on_virtual_time(scene())


def test_a_stations_own_refused_login_is_rejected_and_pauses_nothing() -> None:
    async def scene() -> None:
        transport = only_first(Answer(401, (), b"who are you?"))
        bench = await new_bench(transport=replace(transport, whose=Credential.STATION))
        one = bench.enrollment()
        await bench.take_in(one)
        async with bench.running():
            await asyncio.sleep(10)
        assert (await bench.life(one)).status is Status.REJECTED
        assert bench.gate.view().state is not UpstreamState.PAUSED

    on_virtual_time(scene())


def test_a_pause_outlives_a_restart_and_resume_ends_it() -> None:
    async def scene() -> None:
        bench = await new_bench()
        async with bench.running():
            await bench.dispatcher.pause("maintenance")
            await bench.take_in(bench.enrollment())
            await asyncio.sleep(60)
            assert bench.transport.order == []
        again = Bench(bench.journal, sealer=bench.sealer)
        async with again.running():
            await asyncio.sleep(60)
            assert again.transport.order == []
            assert again.gate.view().reason == "maintenance"
            await again.dispatcher.resume()
            await asyncio.sleep(60)
            assert len(again.transport.order) == 1

    on_virtual_time(scene())


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

    on_virtual_time(scene())


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

    on_virtual_time(scene())
