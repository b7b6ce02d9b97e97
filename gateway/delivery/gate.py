"""The gate to the upstream: the limiter with a clock, and its word made known.

The limiter decides in pure time; this shell hands it the time, publishes what changed, and turns
a fault of the whole (TLS, DNS, our own credential) into a pause that probes again by itself.
"""

from collections import deque

from gateway.clock import Clock
from gateway.core.admission import Changed, UpstreamView
from gateway.core.facts import (
    Fact,
    Publish,
    UpstreamState,
    UpstreamStateChanged,
    WindowChanged,
)
from gateway.core.limiter import Limiter, Sample
from gateway.core.outcome import Finding

# Below this a response time tells of our own event loop and disk as much as of the server: what
# grows there is no queue of the server's, and the window must not be held down for it.
FINEST_SECONDS = 0.01

CHANGES_KEPT = 12  # for people: what happened in the last minutes

_REACHABLE = frozenset({UpstreamState.SLOW_START, UpstreamState.STEADY})


class Gate:
    """Slots at the upstream: who may start now, and what each end means for the next."""

    def __init__(
        self,
        limiter: Limiter,
        *,
        clock: Clock,
        publish: Publish,
        ghost_seconds: float,
        probe_seconds: float = 30.0,
    ) -> None:
        """Set it up.

        Args:
            limiter: how many may be outstanding.
            clock: both clocks.
            publish: where facts go.
            ghost_seconds: how long a broken attempt keeps its slot: one attempt timeout.
            probe_seconds: the wait after a fault of the whole before one enrollment tries again.
        """
        self.limiter = limiter
        self._clock = clock
        self._publish = publish
        self._ghost_seconds = ghost_seconds
        self._probe_seconds = probe_seconds
        self._since = clock.now()
        self._reason = "started"
        self._changes: deque[Changed] = deque(maxlen=CHANGES_KEPT)

    @property
    def reachable(self) -> bool:
        """Whether enrollments in general are being delivered, not just a canary."""
        return self.limiter.state in _REACHABLE

    @property
    def window(self) -> int:
        """How many may be outstanding."""
        return self.limiter.window

    @property
    def patience(self) -> float | None:
        """Seconds after which what starts now may be given up; None: only by its timeout."""
        return self.limiter.patience

    def free(self) -> int:
        """Slots that may be used right now."""
        return self.limiter.free(now=self._clock.monotonic())

    def take(self, enrollment_id: str) -> None:
        """Use one of the free slots."""
        self.limiter.start(enrollment_id, now=self._clock.monotonic())

    def holds(self, enrollment_id: str) -> bool:
        """Whether it has a slot: one that was taken, and on which nothing has ended yet."""
        return self.limiter.runs(enrollment_id)

    def give_back(self, enrollment_id: str) -> None:
        """Leave a slot unused: nothing was sent, nothing was learned."""
        self.limiter.withdraw(enrollment_id, now=self._clock.monotonic())

    def heard(self, enrollment_id: str, finding: Finding, seconds: float) -> None:
        """An exchange on a slot has ended."""
        now = self._clock.monotonic()
        sample = Sample(
            finding.outcome,
            max(FINEST_SECONDS, seconds),
            finding.retry_after,
            now + self._ghost_seconds if finding.ghost else None,
        )
        facts = self.limiter.finish(enrollment_id, sample, now=now)
        if facts:
            self._tell(facts)
        if finding.whole:
            self._tell(self.limiter.pause(finding.cause, now=now, probe_after=self._probe_seconds))

    def tick(self, *, demand: int) -> None:
        """Let time pass; ``demand`` enrollments could be sent if there were room."""
        now = self._clock.monotonic()
        self._tell(self.limiter.tick(now=now))
        self.limiter.demand(demand, now=now)

    def pause(self, reason: str) -> None:
        """Let nothing through until ``resume``."""
        self._tell(self.limiter.pause(reason, now=self._clock.monotonic()))

    def resume(self) -> None:
        """End a pause; the server proves itself with canaries first."""
        self._tell(self.limiter.resume(now=self._clock.monotonic()))

    def seconds_to_wakeup(self) -> float | None:
        """When time alone may open it; None: never."""
        at = self.limiter.next_wakeup()
        return None if at is None else max(at - self._clock.monotonic(), 0.0)

    def view(self) -> UpstreamView:
        """What is thought of the upstream, since when (wall) and why."""
        return UpstreamView(
            state=self.limiter.state,
            since=self._since,
            reason=self._reason,
            window=self.limiter.window,
            outstanding=self.limiter.outstanding,
            ghosts=self.limiter.ghosts,
            changes=tuple(self._changes),
        )

    def _tell(self, facts: tuple[Fact, ...]) -> None:
        for fact in facts:
            now = self._clock.now()
            match fact:
                case UpstreamStateChanged(before, after, reason):
                    self._since, self._reason = now, reason
                    self._changes.appendleft(Changed(now, "state", before, after, reason))
                case WindowChanged(low, high, reason):
                    self._changes.appendleft(Changed(now, "window", str(low), str(high), reason))
                case _:
                    pass
            self._publish(fact)
