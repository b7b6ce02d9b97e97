"""The way of one enrollment: read, seal, keep, hand to delivery, answer.

Must not know how it is delivered; the answer comes back as a fact. Nothing is told to the station
before the journal says that it is durable.
"""

import hmac
import random
from collections.abc import Awaitable
from functools import partial

from gateway.clock import Clock
from gateway.core.admission import Hold, Refuse, admit, poll_after
from gateway.core.enrollment import Enrollment
from gateway.core.facts import DuplicateAbsorbed, EnrollmentAccepted, Publish
from gateway.core.ids import uuid7
from gateway.core.lifecycle import Status
from gateway.core.preferences import digest_matches
from gateway.core.problems import ProblemType
from gateway.core.rank import rank
from gateway.intake.packet import Packet
from gateway.intake.ports import Delivery
from gateway.intake.receipts import Receipts, Standing
from gateway.intake.replies import Refused, Reply, accepted, answered
from gateway.intake.visit import Visit
from gateway.intake.waiters import Waiters
from gateway.journal.contract import (
    Accepted,
    Existing,
    Journal,
    JournalFault,
    JournalFull,
    Kept,
)
from gateway.journal.sealing import Sealer
from gateway.observe.tracing import Span

# Seconds after which a refusal is worth another try.
FULL_PASSES_AFTER, UNAVAILABLE_PASSES_AFTER = 60, 5


class Enrolling:
    """Turns a request into a kept enrollment and an answer."""

    def __init__(
        self,
        *,
        journal: Journal,
        sealer: Sealer,
        delivery: Delivery,
        receipts: Receipts,
        waiters: Waiters,
        clock: Clock,
        rng: random.Random,
        publish: Publish,
    ) -> None:
        self._journal = journal
        self._sealer = sealer
        self._delivery = delivery
        self._receipts = receipts
        self._waiters = waiters
        self._clock = clock
        self._publish = publish
        self._new_id = partial(uuid7, rng=rng)

    async def enroll(self, visit: Visit, packet: Packet) -> Reply:
        """Keep the enrollment and answer.

        Raises:
            Refused: nothing was accepted.
        """
        arrived = self._clock.monotonic()
        enrollment = self._understand(visit, packet)
        urgency = rank(accepted_at=enrollment.accepted_at, priority=enrollment.priority)
        entry = self._sealer.seal(enrollment, rank=urgency, body=packet.seal)
        outlook, span = self._delivery.outlook(), visit.span
        plan = admit(outlook, hold_seconds=visit.wishes.hold_seconds, respond_async=False)
        if isinstance(plan, Refuse):
            raise Refused(ProblemType(plan.reason.value), retry_after=plan.retry_after)
        sending, started = isinstance(plan, Hold) and self._delivery.reserve(enrollment.id), False
        try:
            accepting = self._journal.accept(entry, sending=sending)
            kept = await (accepting if span is None else _traced(accepting, span))
            started = sending and isinstance(kept, Accepted) and kept.status is Status.SENDING
        except JournalFull:
            raise Refused(ProblemType.JOURNAL_FULL, retry_after=FULL_PASSES_AFTER) from None
        except JournalFault:
            raise _unavailable() from None
        finally:
            # A slot reserved for a start that is not made is given back.
            if sending and not started:
                self._delivery.withdraw(entry.id)
        if span is not None:
            span.tell(id=kept.kept.life.id if isinstance(kept, Existing) else enrollment.id)
        if isinstance(kept, Existing):
            return self._again(kept.kept, enrollment.fingerprint)
        seconds = self._clock.monotonic() - arrived
        size, trace_id = packet.size, None if span is None else span.trace_id
        self._publish(
            EnrollmentAccepted(enrollment.id, visit.station, size, kept.status, seconds, trace_id)
        )
        if isinstance(plan, Hold):
            return await self._hold(visit, enrollment, kept, plan.seconds)
        self._delivery.enqueue(enrollment, rank=kept.rank, live=False)
        standing = Standing.new(enrollment, kept.status)
        drain = outlook.seconds_for(outlook.waiting + 1)  # it waits now, too
        return self._promise(standing, drain, plan.poll_after, visit.wishes.applied)

    def _understand(self, visit: Visit, packet: Packet) -> Enrollment:
        wishes = visit.wishes
        digest = packet.digest()
        said = visit.head.said
        if "content-digest" in said and not digest_matches(said["content-digest"], digest.digest()):
            raise Refused(ProblemType.CONTENT_DIGEST_MISMATCH)
        content_sha256 = digest.hexdigest()
        fingerprint = self._sealer.fingerprint(
            method=visit.head.method,
            target=visit.target,
            content_type=said["content-type"][0] if "content-type" in said else "",
            content_sha256=content_sha256,
        )
        key = wishes.key or self._sealer.derived_key(visit.station, fingerprint)
        now = self._clock.now()
        return Enrollment(
            id=self._new_id(now=now),
            station=visit.station,
            key=key,
            method=visit.head.method,
            target=visit.target,
            headers=(*visit.headers, ("Idempotency-Key", wishes.key_as_given or key)),
            body=packet.plain,
            content_sha256=content_sha256,
            accepted_at=now,
            priority=wishes.priority,
            ordering_key=wishes.ordering_key,
            fingerprint=fingerprint,
        )

    async def _hold(
        self, visit: Visit, enrollment: Enrollment, kept: Accepted, seconds: float
    ) -> Reply:
        """Wait for the server's own answer; without it, promise."""
        waiting = self._waiters.expect(enrollment.id, live=True)
        if kept.status is Status.SENDING:
            self._delivery.launch(enrollment)
        else:
            self._delivery.enqueue(enrollment, rank=kept.rank, live=True)
        end = await self._waiters.wait(
            enrollment.id, waiting, seconds=seconds, connection=visit.connection
        )
        if end is not None and end.answer is not None:
            return answered(end.answer, enrollment.id, replayed=False)
        self._delivery.leave(enrollment.id)
        standing = await self._look(enrollment, kept.status)
        if end is not None:
            standing = standing.settled(end)
        outlook = self._delivery.outlook()
        return self._promise(
            standing, outlook.drain_seconds, poll_after(outlook), visit.wishes.applied
        )

    async def _look(self, enrollment: Enrollment, status: Status) -> Standing:
        """Where it stands now; as it stood when accepted, if the journal cannot say."""
        try:
            kept = await self._journal.find(enrollment.id)
            if kept is not None:
                return Standing.found(kept, self._sealer)
        except JournalFault:
            pass  # it is durable all the same, and that is what the station must know
        return Standing.new(enrollment, status)

    def _again(self, kept: Kept, fingerprint: bytes) -> Reply:
        """The answer to a key that the journal knows."""
        receipt_id = kept.life.id
        if not hmac.compare_digest(kept.fingerprint, fingerprint):
            raise Refused(ProblemType.IDEMPOTENCY_KEY_REUSED, receipt=receipt_id)
        try:
            standing = Standing.found(kept, self._sealer)
        except JournalFault:
            raise _unavailable() from None
        self._publish(DuplicateAbsorbed(receipt_id))
        if standing.answer is not None:
            return answered(standing.answer, receipt_id, replayed=True)
        outlook = self._delivery.outlook()
        return self._promise(standing, outlook.drain_seconds, poll_after(outlook), replayed=True)

    def _promise(
        self,
        standing: Standing,
        drain: float | None,
        retry_after: int,
        applied: str = "",
        *,
        replayed: bool = False,
    ) -> Reply:
        return accepted(
            self._receipts.document(standing, drain=drain),
            receipt_id=standing.id,
            retry_after=retry_after,
            applied=applied,
            replayed=replayed,
        )


async def _traced(accepting: Awaitable[Accepted | Existing], span: Span) -> Accepted | Existing:
    """Wait for the journal, and let the trace show how long."""
    with span.child("journal.commit"):
        return await accepting


def _unavailable() -> Refused:
    return Refused(ProblemType.JOURNAL_UNAVAILABLE, retry_after=UNAVAILABLE_PASSES_AFTER)
