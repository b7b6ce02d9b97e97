"""What came of an attempt: told to whoever waits, then made durable, however often that takes.

Must not know how it came to that.
"""

import asyncio
from dataclasses import field
from typing import Final

from gateway.clock import Clock
from gateway.core.decide import Consequence
from gateway.core.enrollment import Answer, Enrollment
from gateway.core.facts import EnrollmentSettled, Publish
from gateway.core.lifecycle import FINAL
from gateway.core.outcome import Finding
from gateway.core.record import dataclass
from gateway.journal.contract import Change, Journal, JournalBroken, JournalFault
from gateway.journal.sealing import Sealer

AFTER_FAULT: Final = 1.0  # seconds until the journal is asked again


@dataclass(frozen=True, slots=True)
class Recording:
    """The record of outcomes."""

    journal: Journal
    sealer: Sealer
    clock: Clock
    publish: Publish = field(repr=False)

    async def record(
        self,
        enrollment_id: str,
        consequence: Consequence,
        now: float,
        finding: Finding | None = None,
        enrollment: Enrollment | None = None,
        trace_id: str | None = None,
    ) -> None:
        """``tell`` and ``keep``.

        Raises:
            JournalBroken: it can keep nothing any more.
        """
        self.tell(enrollment_id, consequence, finding, trace_id)
        await self.keep(enrollment_id, consequence, now, finding, enrollment)

    def tell(
        self,
        enrollment_id: str,
        consequence: Consequence,
        finding: Finding | None,
        trace_id: str | None,
    ) -> None:
        """Whoever waits has its answer."""
        self.publish(
            EnrollmentSettled(
                enrollment_id,
                consequence.status,
                consequence.reason,
                _final_answer(consequence, finding),
                consequence.next_attempt_at,
                trace_id,
            )
        )

    async def keep(
        self,
        enrollment_id: str,
        consequence: Consequence,
        now: float,
        finding: Finding | None,
        enrollment: Enrollment | None,
    ) -> None:
        """Durable when this returns; a fault that may pass is waited out.

        Raises:
            JournalBroken: it can keep nothing any more.
        """
        answer = _final_answer(consequence, finding)
        sealed = None
        if answer is not None and enrollment is not None:
            sealed = self.sealer.seal_answer(
                enrollment.id, enrollment.station, enrollment.fingerprint, answer
            )
        change = Change(consequence.status, consequence.reason, consequence.next_attempt_at, sealed)
        while True:
            try:
                await self.journal.change(enrollment_id, change, now=now)
            except JournalBroken:
                raise
            except JournalFault:
                await asyncio.sleep(AFTER_FAULT)
                now = self.clock.now()
            else:
                return


def _final_answer(consequence: Consequence, finding: Finding | None) -> Answer | None:
    """A lookup's 404 is an answer too, but not to the enrollment: only a final status has one."""
    if finding is None or consequence.status not in FINAL:
        return None
    return finding.answer
