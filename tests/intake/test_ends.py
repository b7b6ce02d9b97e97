"""Ends that came about at another gateway reach the stations that wait here, hint or no hint."""

import asyncio
import random

import pytest

from gateway.core.enrollment import Answer, Enrollment
from gateway.core.facts import EnrollmentSettled, Fact
from gateway.core.ids import uuid7
from gateway.core.lifecycle import Status
from gateway.intake.ends import LOOK_EVERY_SECONDS, Ends
from gateway.journal.contract import Change
from gateway.journal.keyring import KeyRing
from gateway.journal.memory import MemoryJournal
from gateway.journal.sealing import Sealer
from simulation import virtual_time
from tests.support.shared_memory import Common, Member

ANSWER = Answer(201, (("Content-Type", "text/plain"),), b"recorded")
SEALER = Sealer(KeyRing.generate())


@pytest.mark.parametrize("hints", [True, False])
def test_the_answer_comes_from_wherever_it_was_delivered(hints: bool) -> None:  # noqa: FBT001 - a table
    async def scene() -> None:
        journal = MemoryJournal()
        await journal.open(now=0.0)
        common = Common(journal, hints=hints)
        delivering, waiting = Member(common, "a"), Member(common, "b")
        await delivering.turn(now=0.0, word="")
        enrollment = new_enrollment()
        await delivering.accept(SEALER.seal(enrollment, rank=0.0), sending=True)

        seen: list[Fact] = []
        ends = Ends(
            journal=waiting,
            sealer=SEALER,
            waited_for=lambda: [enrollment.id],
            see=seen.append,
        )
        task = asyncio.ensure_future(ends.run())
        await asyncio.sleep(10)
        assert seen == []
        sealed = SEALER.seal_answer(
            enrollment.id, enrollment.station, enrollment.fingerprint, ANSWER
        )
        delivered = Change(Status.DELIVERED, "http-201", answer=sealed)
        await delivering.change(enrollment.id, delivered, now=5.0)
        await asyncio.sleep(0.01 if hints else LOOK_EVERY_SECONDS + 0.01)
        task.cancel()
        fact = EnrollmentSettled(enrollment.id, Status.DELIVERED, "http-201", ANSWER)
        assert seen[0] == fact

    virtual_time.run(scene())


def test_nothing_is_asked_while_nobody_waits() -> None:
    class Untouchable(Member):
        async def ended(self, ids: object) -> tuple[()]:
            raise AssertionError(f"asked for {ids}")

    async def scene() -> None:
        ends = Ends(
            journal=Untouchable(Common(MemoryJournal()), "b"),
            sealer=SEALER,
            waited_for=tuple,
            see=lambda _: None,
        )
        task = asyncio.ensure_future(ends.run())
        await asyncio.sleep(10)
        assert not task.done()
        task.cancel()

    virtual_time.run(scene())


def new_enrollment() -> Enrollment:
    return Enrollment(
        id=uuid7(now=1.0, rng=random.Random(1)),
        station="desk",
        key="key",
        method="POST",
        target="/enrollments",
        headers=(),
        body=b"biodata",
        content_sha256="",
        accepted_at=1.0,
        fingerprint=b"f" * 32,
    )
