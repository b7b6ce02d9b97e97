"""Faults of the whole, on virtual time: what pauses, and what ends a pause."""

import asyncio
from dataclasses import replace

import pytest

from gateway.core.enrollment import Answer, Enrollment
from gateway.core.facts import UpstreamState
from gateway.core.lifecycle import Status
from gateway.core.outcome import Credential, Exchange, NotConnected
from simulation import virtual_time
from tests.support.bench import Bench, new_bench
from tests.support.scripted_transport import RECORDED, ScriptedTransport, only_first


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

    virtual_time.run(scene())


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

    virtual_time.run(scene())


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

    virtual_time.run(scene())
