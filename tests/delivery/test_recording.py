"""Outcomes: told first, then sealed, then durable."""

import asyncio

import pytest

from gateway.core.enrollment import Answer
from gateway.core.facts import EnrollmentSettled, Fact
from gateway.core.lifecycle import Status
from gateway.journal.contract import Sealed
from simulation import virtual_time
from tests.support.bench import new_bench


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

    virtual_time.run(scene())


@pytest.mark.parametrize("live", [True, False])
def test_a_station_that_waits_is_answered_before_its_outcome_is_sealed(*, live: bool) -> None:
    async def scene() -> None:
        bench = await new_bench()
        one, happened = bench.enrollment(), list[str]()
        settled = asyncio.get_running_loop().create_future()
        settled.add_done_callback(lambda _: happened.append("answered"))
        seal = bench.sealer.seal_answer

        def look(fact: Fact) -> None:
            if isinstance(fact, EnrollmentSettled):
                settled.set_result(None)

        def sealing(enrollment_id: str, station: str, fingerprint: bytes, answer: Answer) -> Sealed:
            happened.append("sealed")
            return seal(enrollment_id, station, fingerprint, answer)

        bench.publish = look
        bench.sealer.seal_answer = sealing  # type: ignore[method-assign]
        async with bench.running():
            await bench.take_in(one, live=live)
            await asyncio.sleep(1)
        assert happened == (["answered", "sealed"] if live else ["sealed", "answered"])

    virtual_time.run(scene())
