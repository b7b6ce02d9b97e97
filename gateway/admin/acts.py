"""What operators do to enrollments and to delivery: checked, audited, then done.

Must not know HTTP. The audit record is durable before the act, so that nothing can be done
without a trace; an act that then proved impossible is recorded as such.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.admin.ports import Control
from gateway.clock import Clock
from gateway.core.decide import IN_DOUBT, REQUEUED
from gateway.core.facts import DoubtResolved, EnrollmentSettled, OperatorActed, Publish
from gateway.core.lifecycle import Event, Status, sources
from gateway.core.moments import iso
from gateway.journal.contract import Change, Journal, Life

PAGE: Final = 500
_UPSTREAM: Final = "upstream"


class UnknownEnrollment(Exception):
    """No enrollment has this id, or it was forgotten."""


class NotAllowed(Exception):
    """The enrollment's status does not allow the act; nothing was changed."""

    def __init__(self, status: Status, event: Event) -> None:
        allowed = " or ".join(sorted(sources(event)))
        super().__init__(f"It is {status}; only {allowed} can be {event}. Nothing was changed.")


@dataclass(frozen=True, slots=True)
class Acts:
    """The acts, on one journal and one dispatcher. ``actor``: who asked, for the audit."""

    journal: Journal
    control: Control
    publish: Publish
    clock: Clock

    async def requeue(self, enrollment_id: str, *, actor: str) -> Life:
        """Make a dead letter pending and due now; the enrollment after it."""
        life = await self._standing(enrollment_id, Event.REQUEUED)
        await self._audit(actor, "requeue", enrollment_id, _asked(life))
        requeued = await self._requeue([life])
        return await self._after(enrollment_id, Event.REQUEUED, actor, done=bool(requeued))

    async def cancel(self, enrollment_id: str, *, actor: str) -> Life:
        """End an enrollment that waits or is a dead letter; the enrollment after it."""
        life = await self._standing(enrollment_id, Event.CANCELLED)
        await self._audit(actor, "cancel", enrollment_id, _asked(life))
        change = Change(Status.CANCELLED, "operator", was=life.status)
        done = await self.journal.change(enrollment_id, change, now=self.clock.now())
        if done:
            self._changed(life, change)
            self.control.nudge()  # those that it held back by its ordering key are due now
        return await self._after(enrollment_id, Event.CANCELLED, actor, done=done)

    async def requeue_all(self, *, older_than: float | None, actor: str) -> int:
        """Requeue every dead letter, or those accepted so many seconds ago; how many."""
        before = self.clock.now() - (older_than or 0.0)
        limit = f"those accepted before {iso(before)}"
        await self._audit(actor, "requeue", Status.DEAD_LETTER, limit)
        total = 0
        after: str | None = None
        while True:
            page = await self.journal.list(
                statuses=[Status.DEAD_LETTER], accepted_before=before, after=after, limit=PAGE
            )
            total += await self._requeue(page)
            if len(page) < PAGE:
                break
            after = page[-1].id
        await self._audit(actor, "requeued", Status.DEAD_LETTER, f"{total} enrollments")
        return total

    async def pause(self, reason: str, *, actor: str) -> None:
        """Stop delivery; intake goes on."""
        await self._audit(actor, "pause", _UPSTREAM, reason)
        await self.control.pause(reason)

    async def resume(self, *, actor: str) -> None:
        """Start delivery again."""
        await self._audit(actor, "resume", _UPSTREAM, "")
        await self.control.resume()

    async def _standing(self, enrollment_id: str, event: Event) -> Life:
        life = await self._find(enrollment_id)
        if life.status not in sources(event):
            raise NotAllowed(life.status, event)
        return life

    async def _after(self, enrollment_id: str, event: Event, actor: str, *, done: bool) -> Life:
        life = await self._find(enrollment_id)
        if not done:
            await self._audit(actor, "not done", enrollment_id, f"it was {life.status} by then")
            raise NotAllowed(life.status, event)
        return life

    async def _find(self, enrollment_id: str) -> Life:
        kept = await self.journal.find(enrollment_id)
        if kept is None:
            raise UnknownEnrollment
        return kept.life

    async def _requeue(self, lives: Sequence[Life]) -> int:
        """Requeue at most a page, in one commit; how many were still dead letters."""
        now = self.clock.now()
        change = Change(Status.PENDING, REQUEUED, next_attempt_at=now, was=Status.DEAD_LETTER)
        done = await asyncio.gather(
            *(self.journal.change(life.id, change, now=now) for life in lives)
        )
        for life in (life for life, changed in zip(lives, done, strict=True) if changed):
            self._changed(life, change)
        self.control.nudge()
        return sum(done)

    def _changed(self, before: Life, change: Change) -> None:
        self.publish(
            EnrollmentSettled(
                before.id, change.status, change.reason, next_attempt_at=change.next_attempt_at
            )
        )
        if before.status is Status.DEAD_LETTER and before.reason == IN_DOUBT:
            self.publish(DoubtResolved(before.id, "operator"))

    async def _audit(self, actor: str, action: str, subject: str, detail: str) -> None:
        kept = await self.journal.audit(actor, action, subject, detail, now=self.clock.now())
        self.publish(OperatorActed(kept.seq, kept.link, actor, action, subject))


def _asked(life: Life) -> str:
    return f"was {life.status}" + (f", {life.reason}" if life.reason else "")
