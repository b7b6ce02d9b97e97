"""The delivery loop: runs the plan that the core makes, and sleeps until the next thing is due.

It holds no enrollment that the journal does not hold. In memory are only the live ones, whose
stations wait, and a page of what is due; so its size does not grow with the backlog.
"""

import asyncio
import contextlib

from gateway.clock import Clock
from gateway.core.admission import REACHABLE, Outlook, UpstreamView
from gateway.core.decide import Case, DeliveryPolicy
from gateway.core.enrollment import Enrollment
from gateway.core.lifecycle import Status
from gateway.core.scheduler import may_go_at_once
from gateway.delivery.carrying import AFTER_FAULT, Carrying
from gateway.delivery.courier import Courier, Errand
from gateway.delivery.filling import Filling
from gateway.delivery.gate import Gate
from gateway.delivery.memory import Memory
from gateway.delivery.sending import MaySend, always
from gateway.delivery.waiting import Waiting
from gateway.journal.contract import Journal, JournalBroken, JournalFault

_LONGEST_SLEEP = 5.0  # seconds; a lost wake-up must not cost more than this


class Dispatcher:
    """Sends what the journal holds, within the window. One for a process.

    ``run`` is the loop. The other methods are called by intake and by operators on the same
    event loop; they only leave word for it.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        courier: Courier,
        gate: Gate,
        memory: Memory,
        policy: DeliveryPolicy,
        clock: Clock,
        may_send: MaySend = always,
    ) -> None:
        self._journal = journal
        self._gate = gate
        self._memory = memory
        self._clock = clock
        self._may_send = may_send
        self._waiting = Waiting(journal)
        self._live, self._backlog = self._waiting.live, self._waiting.backlog
        self._wake = asyncio.Event()
        self._carrying = Carrying(courier, gate, self._waiting, clock=clock, wake=self._wake.set)
        self._filling = Filling(self._waiting, gate, self._carrying, policy=policy, clock=clock)
        self._underway = self._carrying.underway
        self._counted_at = float("-inf")
        self._stopping = False

    # -- for intake ------------------------------------------------------------------------------

    def outlook(self) -> Outlook:
        """What can be said about the near future."""
        limiter = self._gate.limiter
        state = limiter.state
        return Outlook(
            state=state,
            window=limiter.window,
            outstanding=limiter.outstanding + limiter.ghosts,
            waiting=self._waiting.count,
            live_waiting=len(self._live),
            rate=self._carrying.rate(),
            next_canary_in=None if state in REACHABLE else self._gate.seconds_to_wakeup(),
        )

    def reserve(self, enrollment_id: str) -> bool:
        """Take a free slot for a live enrollment about to be accepted as ``sending``."""
        # While the server is thought down, the canary is the oldest due, not the newest.
        if self._stopping or not self._gate.reachable or not self._may_send():
            return False
        if not may_go_at_once(
            free=self._gate.free(),
            window=self._gate.window,
            live_outstanding=len(self._live.outstanding),
            contended=bool(self._live) or self._backlog.waits(now=self._clock.now()),
        ):
            return False
        self._gate.take(enrollment_id)
        self._live.outstanding.add(enrollment_id)
        return True

    def withdraw(self, enrollment_id: str) -> None:
        """Give a reserved slot back."""
        self._carrying.withdraw(enrollment_id)

    def launch(self, enrollment: Enrollment) -> None:
        """Its intent is durable: send it now on its reserved slot."""
        case = Case(Status.PENDING, 1, enrollment.accepted_at, enrollment.accepted_at)
        self._carrying.send(Errand(enrollment.id, case, enrollment=enrollment, begun=True))

    def enqueue(self, enrollment: Enrollment, *, rank: float, live: bool) -> None:
        """It is durable as pending, at ``rank`` in the queue."""
        if enrollment.id in self._underway:
            return  # the loop found it in the journal before intake was told that it is there
        self._waiting.came(enrollment, rank=rank, live=live)
        self._wake.set()

    def leave(self, enrollment_id: str) -> None:
        """Its station waits no more: it goes on with the backlog, from the journal."""
        self._live.take(enrollment_id)

    # -- for operators ---------------------------------------------------------------------------

    def upstream(self) -> UpstreamView:
        """What is thought of the upstream, since when and why."""
        return self._gate.view()

    async def pause(self, reason: str) -> None:
        """Stop delivery until ``resume``, over a restart too; attempts under way end."""
        await self._memory.keep_pause(reason)
        self._gate.pause(reason)

    async def resume(self) -> None:
        """Start delivery again."""
        await self._memory.keep_pause(None)
        self._gate.resume()
        self._wake.set()

    def obey(self, reason: str | None) -> None:
        """An operator paused or resumed delivery at another gateway, and that is kept already."""
        if reason is not None:
            self._gate.pause(reason)
        else:
            self._gate.resume()
            self._wake.set()

    def nudge(self) -> None:
        """Something became due, or was taken away, by an operator's hand."""
        self._backlog.reread()
        self._wake.set()

    # -- the loop --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver until ``stop``.

        Raises:
            JournalBroken: the journal cannot be trusted any more; the process must end.
        """
        reason = await self._memory.pause()
        if reason is not None:
            self._gate.pause(reason)
        while not self._stopping:
            self._wake.clear()
            try:
                await self._turn()
                pause = self._seconds_to_next() if self._may_send() else AFTER_FAULT
            except JournalBroken:
                raise
            except JournalFault:
                pause = AFTER_FAULT
            if self._underway.failed is not None:
                raise self._underway.failed
            # ``wait_for`` of Python 3.11 forgets that it was cancelled if the wait is over by then.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def stop(self, *, grace_seconds: float) -> None:
        """Begin nothing more; give what is under way ``grace_seconds`` to end.

        What has not ended by then stays ``sending`` in the journal: in doubt at the next start.
        """
        self._stopping = True
        self._wake.set()
        await self._underway.finish(grace_seconds=grace_seconds)
        await self._memory.keep_window(self._gate.limiter.memory(), at_once=True)

    def abandon(self) -> None:
        """Another gateway delivers: let go of everything, and write nothing."""
        self._stopping = True
        self._wake.set()
        self._underway.cancel()

    async def _turn(self) -> None:
        if not self._may_send():
            return
        now = self._clock.now()
        self._gate.tick(demand=self._waiting.demand(now=now))
        free = self._gate.free()
        if free > 0 and self._backlog.waits(now=now):
            if await self._backlog.refill(now=now, least=free, in_hand=self._underway):
                await self._count_waiting()
                self._filling.park_the_hopeless()
            self._gate.tick(demand=self._waiting.demand(now=self._clock.now()))
        if self._filling.fill():
            self._wake.set()
        if self._clock.monotonic() - self._counted_at >= _LONGEST_SLEEP:
            # Asked even when nothing waits: a journal that broke must end the process.
            await self._count_waiting()
        await self._memory.keep_window(self._gate.limiter.memory())

    async def _count_waiting(self) -> None:
        self._counted_at = self._clock.monotonic()
        totals = await self._journal.totals()
        self._waiting.count = totals.by_status[Status.PENDING] + totals.by_status[Status.IN_DOUBT]

    def _seconds_to_next(self) -> float:
        """Until the gate may open by itself, or something falls due while it is open."""
        seconds = [_LONGEST_SLEEP]
        wakeup = self._gate.seconds_to_wakeup()
        if wakeup is not None:
            seconds.append(wakeup)
        due_at = self._backlog.next_due_at
        if due_at is not None and self._gate.free() > 0:
            seconds.append(max(due_at - self._clock.now(), 0.0))
        return min(seconds)
