"""Carries one enrollment through one attempt: intent, exchange, consequence, record.

The order is the promise: the intent is durable before the first byte; the station that waits has
its answer before the outcome's commit; the outcome is recorded however often that takes, and a
crash before it leaves a row that the journal opens as in doubt.

Must not know of windows or of other enrollments.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import field

from gateway.clock import Clock
from gateway.core.decide import (
    STALE,
    UNREADABLE,
    Case,
    Consequence,
    DeliveryPolicy,
    Triage,
    after_attempt,
    after_lookup,
    is_stale,
)
from gateway.core.enrollment import Enrollment
from gateway.core.facts import (
    AttemptFinished,
    AttemptStarted,
    DoubtResolved,
    Publish,
)
from gateway.core.lifecycle import Status
from gateway.core.outcome import Broken, Credential, Exchange, Finding, classify
from gateway.core.record import dataclass
from gateway.delivery.recording import Recording
from gateway.delivery.sending import MaySend, always
from gateway.delivery.transport import Transport
from gateway.journal.contract import Journal
from gateway.journal.sealing import SealBroken, Sealer
from gateway.observe.tracing import UNTRACED, Span, Tracing


@dataclass(frozen=True, slots=True)
class Errand:
    """One enrollment to carry.

    Attributes:
        id: which.
        case: where it stands; ``attempts`` counts those that began.
        triage: send it, or look it up first.
        enrollment: the whole of it, where memory still has it.
        begun: the intent of this attempt is durable already.
        patience: seconds after which it may be given up, if sending it again does no harm.
    """

    id: str
    case: Case
    triage: Triage = Triage.SEND
    enrollment: Enrollment | None = None
    begun: bool = False
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """How far it came. ``ordered``: others may wait behind it for their turn."""

    consequence: Consequence
    ordered: bool


# Told, by the enrollment's id, what an exchange said of the server and how many seconds it took, as
# soon as it ended: long before its record is durable. Not told of what says nothing about its
# capacity.
Heard = Callable[[str, Finding, float], None]


@dataclass(slots=True)
class Courier:
    """Everything an attempt needs, and no state between two of them."""

    journal: Journal
    sealer: Sealer
    transport: Transport
    policy: DeliveryPolicy
    clock: Clock
    rng: random.Random
    publish: Publish = field(repr=False)
    tracing: Tracing = UNTRACED
    may_send: MaySend = always
    running_since: float = field(init=False)
    _recording: Recording = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._recording = Recording(
            journal=self.journal,
            sealer=self.sealer,
            clock=self.clock,
            publish=self.publish,
        )
        self.running_since = self.clock.now()

    async def carry(self, errand: Errand, heard: Heard) -> Carried | None:
        """Carry one enrollment as far as one attempt goes; None: it may not be sent any more.

        Raises:
            JournalFault: the intent could not be written; nothing was sent.
        """
        held, case = errand.enrollment, errand.case
        begun = (held, case) if errand.begun and held is not None else None
        # A pending one that must be looked up was requeued by a person. Its life has no way from
        # pending to what a lookup may find, but from an attempt it has.
        if begun is None and case.status is Status.PENDING:
            begun = await self._begin(errand)
            if begun is None:
                return None
            case = begun[1]
        if errand.triage is Triage.LOOK_UP:
            carried = await self._look_up(errand.id, case, heard)
            if carried is not None:
                return carried
        begun = begun or await self._begin(errand)
        if begun is None:
            return None
        # Who cannot send it again with the same key must not put it in doubt without need.
        patience = errand.patience if self.policy.honours_key else None
        return await self._send(*begun, heard, patience, is_awaited=held is not None)

    async def park(self, errand: Errand) -> None:
        """Make a dead letter of it: a person must decide."""
        consequence = Consequence(Status.DEAD_LETTER, errand.triage.value)
        await self._recording.record(errand.id, consequence, self.clock.now())

    async def _begin(self, errand: Errand) -> tuple[Enrollment, Case] | None:
        """Write the intent; what to send, as it stands since then. None: there is nothing."""
        now = self.clock.now()
        held, was = errand.enrollment, errand.case
        kept = await self.journal.begin(errand.id, now=now, whole=held is None)
        if kept is None:
            return None
        try:
            enrollment = held or self.sealer.open(kept)
        except SealBroken:
            # Nothing was sent, and nothing of it ever can be: keep it, and call a person.
            now = self.clock.now()
            await self._recording.record(
                errand.id, Consequence(Status.PENDING, UNREADABLE, now), now
            )
            await self._recording.record(
                errand.id, Consequence(Status.DEAD_LETTER, UNREADABLE), now
            )
            return None
        attempts = kept.life.attempts
        return enrollment, Case(
            was.status, attempts, was.accepted_at, now, was.reason, was.requeued_at
        )

    async def _send(
        self,
        enrollment: Enrollment,
        case: Case,
        heard: Heard,
        patience: float | None,
        *,
        is_awaited: bool,
    ) -> Carried:
        policy = self.policy
        ordered = enrollment.ordering_key is not None
        # Where its key is honoured no intent grows stale: the time need not be asked.
        stale = not policy.honours_key and is_stale(case, policy, now=self.clock.now())
        if stale or not self.may_send():
            now = self.clock.now()
            consequence = Consequence(case.status, STALE, now)
            await self._recording.record(enrollment.id, consequence, now)
            return Carried(consequence, ordered)
        attempt = case.attempts
        self.publish(AttemptStarted(enrollment.id, attempt))
        credential = self.transport.credential(enrollment)
        with self.tracing.exchange("attempt", enrollment.headers) as span:
            sending = self.transport.send(enrollment, span.onward(enrollment.headers))
            finding, seconds, now = await self._exchange(sending, credential, patience)
            heard(enrollment.id, finding, seconds)
            _tell(span, enrollment, finding, attempt)
        trace_id = span.trace_id
        self.publish(
            AttemptFinished(
                enrollment.id, attempt, finding.outcome, finding.cause, seconds, trace_id
            )
        )
        consequence = after_attempt(case, finding, policy, now=now, rng=self.rng)
        if case.status is Status.IN_DOUBT and consequence.status is not Status.IN_DOUBT:
            self.publish(DoubtResolved(enrollment.id, "resend"))
        self._recording.tell(enrollment.id, consequence, finding, trace_id)
        if is_awaited:
            await asyncio.sleep(0)  # the station has its answer now, and what follows can wait
        await self._recording.keep(enrollment.id, consequence, now, finding, enrollment)
        return Carried(consequence, ordered)

    async def _look_up(self, enrollment_id: str, case: Case, heard: Heard) -> Carried | None:
        """Ask the server; None: it is surely not there, and may be sent on the same slot."""
        kept = await self.journal.load(enrollment_id)
        if kept is None:
            return Carried(Consequence(case.status, "gone"), ordered=False)
        try:
            enrollment = self.sealer.open(kept)
        except SealBroken:
            consequence = Consequence(Status.DEAD_LETTER, UNREADABLE)
            await self._recording.record(enrollment_id, consequence, self.clock.now())
            return Carried(consequence, ordered=False)
        with self.tracing.exchange("lookup", enrollment.headers) as span:
            asking = self.transport.look_up(enrollment.key, span.onward(()))
            finding, seconds, now = await self._exchange(asking, Credential.GATEWAY)
            _tell(span, enrollment, finding)
        found = after_lookup(
            case,
            finding,
            self.policy,
            running_since=self.running_since,
            now=now,
            rng=self.rng,
        )
        if found is None or found.status is Status.DELIVERED:
            self.publish(DoubtResolved(enrollment_id, "lookup"))
        if found is None:
            return None
        if finding.answer is None:
            # An answer to a question is quick, and records nothing: it says nothing of how much
            # the server can record. That it cannot even answer does.
            heard(enrollment_id, finding, seconds)
        await self._recording.record(enrollment_id, found, now, finding, enrollment, span.trace_id)
        return Carried(found, ordered=enrollment.ordering_key is not None)

    async def _exchange(
        self,
        exchange: Awaitable[Exchange],
        credential: Credential,
        patience: float | None = None,
    ) -> tuple[Finding, float, float]:
        """What it came to, the seconds that it took, and the wall time at its end."""
        began = self.clock.monotonic()
        try:
            if patience is None:
                seen = await exchange
            else:
                async with asyncio.timeout(patience):
                    seen = await exchange
        except TimeoutError:
            seen = Broken("timeout")
        except Exception as error:  # noqa: BLE001 - one enrollment must not stop the others
            seen = Broken(f"error-{type(error).__name__}")
        seconds = self.clock.monotonic() - began
        now = self.clock.now()
        known = self.policy.recorded_statuses
        finding = classify(seen, credential=credential, now=now, recorded_statuses=known)
        return finding, seconds, now


def _tell(span: Span, enrollment: Enrollment, finding: Finding, attempt: int | None = None) -> None:
    if span is UNTRACED:
        return
    span.tell(
        id=enrollment.id,
        station=enrollment.station,
        attempt=attempt,
        outcome=finding.outcome,
        cause=finding.cause,
    )
