"""How many attempts may be outstanding: a state of the upstream, and slots.

A slot is held by an attempt, and by its *ghost*: an attempt that was cut or timed out may still be
worked on by the server, so it keeps its slot for a while.

Invariants, asserted:
- Whatever starts finds outstanding + ghosts < window. A window that shrank only waits.
- While open, one canary at a time; the rest of that small window is for ghosts.
- The window changes only at the end of a measurement or on a sign of trouble.

Must not know enrollments, the journal, or why an attempt ended as it did.
"""

import heapq
import random

from gateway.core.facts import (
    CliffLearned,
    Fact,
    UpstreamState,
    UpstreamStateChanged,
    WindowChanged,
)
from gateway.core.outcome import Outcome
from gateway.core.recovery.evidence import Background, Borne
from gateway.core.recovery.knowledge import Knowledge, Memory
from gateway.core.recovery.open import Open
from gateway.core.recovery.paused import Paused
from gateway.core.recovery.settings import LimiterSettings
from gateway.core.recovery.slow_start import SlowStart
from gateway.core.recovery.state import Move, Sample, State
from gateway.core.recovery.steady import Steady

__all__ = ["Limiter", "LimiterSettings", "Memory", "Sample"]


class Limiter:
    """How many attempts may be outstanding: state machine and slots, ghosts among them.

    All times are monotonic seconds. A gateway that starts knows nothing about the server's state,
    and begins in slow start: a server that is up then serves the first stations at once, and one
    that is down costs a handful of attempts.
    """

    def __init__(
        self,
        *,
        settings: LimiterSettings,
        rng: random.Random,
        now: float,
        memory: Memory | None = None,
    ) -> None:
        self._knowledge = Knowledge(settings, memory, now=now)
        self._settings = settings
        self._rng = rng
        # The state in which each started, and as the how many-th.
        self._attempts: dict[str, tuple[State, int]] = {}
        self._borne = Borne(self._knowledge.good)
        self._background = Background()
        self._ghosts: list[float] = []  # a heap of the times at which they vanish
        self._suspects: set[str] = set()  # in doubt since anything last went well
        self._waiting = 0
        self._now = now
        self._state: State = SlowStart(
            self._knowledge, self._knowledge.first_window(now=now), now=now
        )

    @property
    def state(self) -> UpstreamState:
        """What the gateway thinks of the recording server."""
        return self._state.name

    @property
    def window(self) -> int:
        """How many may be outstanding."""
        return self._state.window

    @property
    def outstanding(self) -> int:
        """Attempts that run."""
        return len(self._attempts)

    @property
    def ghosts(self) -> int:
        """Attempts given up that still hold a slot, as of the last ``tick`` or ``free``."""
        return len(self._ghosts)

    @property
    def patience(self) -> float | None:
        """Seconds after which what starts now is given up; None: only by the attempt timeout."""
        state = self._state
        return state.patience(self._knowledge.slowest) if isinstance(state, Open) else None

    def free(self, *, now: float) -> int:
        """How many attempts may start right now."""
        self._now = now
        most = self._state.at_once(now=now)
        if self._ghosts:
            self._expire(now)
            most = min(most, self._state.window - len(self._ghosts))
        left = most - len(self._attempts)
        return max(0, left)

    def runs(self, attempt_id: str) -> bool:
        """Whether this attempt holds a slot. Its ghost does not count."""
        return attempt_id in self._attempts

    def start(self, attempt_id: str, *, now: float) -> None:
        """Take a slot.

        Raises:
            RuntimeError: there is none free; ask ``free`` first.
            ValueError: this attempt runs already.
        """
        if attempt_id in self._attempts:
            raise ValueError(f"attempt {attempt_id} runs already")
        if self.free(now=now) == 0:
            raise RuntimeError("no slot is free; ask free() before start()")
        self._attempts[attempt_id] = self._state, len(self._attempts) + 1

    def finish(self, attempt_id: str, sample: Sample, *, now: float) -> tuple[Fact, ...]:
        """Give a slot back, or leave it to a ghost, and learn from how the attempt ended.

        Raises:
            KeyError: this attempt does not run.
        """
        self._now = now
        began_in, began_as = self._attempts.pop(attempt_id)
        if sample.ghost_until is not None and sample.ghost_until > now:
            heapq.heappush(self._ghosts, sample.ghost_until)
        if sample.measures:
            self._knowledge.answered(sample.duration)
        state = self._state
        if began_in is not state:
            return ()  # it says how the server was, not how it is
        answered = not sample.failed
        if answered:
            self._suspects.clear()
        elif self._is_its_own_fault(attempt_id, sample):
            return ()
        if self._is_no_news(failed=not answered):
            return ()
        if answered:
            self._borne.answered(began_as=began_as)
        full, running = self._waiting > 0, len(self._attempts)
        move = state.observe(sample, full=full, running=running, now=now)
        facts = () if move is None else self._carry_out(move, now)
        if answered:
            self._borne.now_at(self.window if full else running + 1)
        return facts

    def withdraw(self, attempt_id: str, *, now: float) -> None:  # noqa: ARG002 - part of the seam
        """Give a slot back unused: nothing was sent, nothing is learned.

        Raises:
            KeyError: this attempt does not run.
        """
        del self._attempts[attempt_id]

    def demand(self, waiting: int, *, now: float) -> None:  # noqa: ARG002 - part of the seam
        """Say how many enrollments could be sent if there were room; none: the window is frozen."""
        self._waiting = waiting

    def tick(self, *, now: float) -> tuple[Fact, ...]:
        """Let timers run: ghosts vanish, a pause with an end ends."""
        self._expire(now)
        if self.state is not UpstreamState.PAUSED:
            return ()
        end = self._state.next_wakeup()
        return () if end is None or now < end else self.resume(now=now)

    def next_wakeup(self) -> float | None:
        """When ``free`` may grow by time alone."""
        due = self._state.next_wakeup()
        if due is not None and due <= self._now:
            due = None  # time has done its part; a start or a finish is next
        if self._ghosts and (due is None or self._ghosts[0] < due):
            return self._ghosts[0]
        return due

    def pause(
        self, reason: str, *, now: float, probe_after: float | None = None
    ) -> tuple[Fact, ...]:
        """Stop delivery until ``resume``; with ``probe_after`` (seconds) until then at most.

        A pause without an end outlives one with an end, whichever came first.
        """
        self._now = now
        paused = self.state is UpstreamState.PAUSED
        if paused and (probe_after is not None or self._state.next_wakeup() is None):
            return ()
        until = None if probe_after is None else now + probe_after
        return self._enter(Paused(reason, until=until), reason)

    def resume(self, *, now: float) -> tuple[Fact, ...]:
        """Deliver again, a canary first."""
        if self.state is not UpstreamState.PAUSED:
            return ()
        return self._enter(self._open(now, wait=0.0), "resumed")

    def memory(self) -> Memory:
        """What to keep over a restart, as of the last call that told the time."""
        return self._knowledge.memory(now=self._now)

    def __repr__(self) -> str:
        return (
            f"<Limiter {self.state}: {self.outstanding} outstanding and {self.ghosts} ghosts "
            f"of {self.window}, {self._state!r}>"
        )

    def _is_its_own_fault(self, attempt_id: str, sample: Sample) -> bool:
        """One that stays in doubt again and again counts once: the fault may be its own.

        A refusal or a connection that never stood is the server's fault, whoever asks.
        """
        if sample.outcome is not Outcome.IN_DOUBT or self.state is UpstreamState.OPEN:
            return False
        known = attempt_id in self._suspects
        self._suspects.add(attempt_id)
        return known

    def _is_no_news(self, *, failed: bool) -> bool:
        """It fails as often as it did all along. Canaries' failures always are news."""
        return self._state.name is not UpstreamState.OPEN and self._background.is_usual(
            failed=failed
        )

    def _expire(self, now: float) -> None:
        self._now = now
        while self._ghosts and self._ghosts[0] <= now:
            heapq.heappop(self._ghosts)

    def _open(self, now: float, *, wait: float) -> Open:
        return Open(
            window=self._knowledge.clamp(self._settings.initial_window, now=now),
            next_window=self._knowledge.first_window(now=now),
            rng=self._rng,
            due=now + wait,
        )

    def _carry_out(self, move: Move, now: float) -> tuple[Fact, ...]:
        facts: list[Fact] = []
        if move.backs_off:
            self._background.backed_off()
            self._knowledge.overloaded(self.window)
        if move.cliff is not None and self._borne.explains():
            self._knowledge.learn_cliff(move.cliff, fell=not move.backs_off, now=now)
            facts.append(CliffLearned(move.cliff))
        if move.to is UpstreamState.OPEN:
            self._borne.fell()
        window = self._knowledge.clamp(move.window, now=now)
        if move.to is None:
            before = self.window
            self._state.moved(window, now=now)
            if window != before:
                facts.append(WindowChanged(before, window, move.reason))
        else:
            facts.extend(self._enter(self._build(move, window, now), move.reason))
        return tuple(facts)

    def _build(self, move: Move, window: int, now: float) -> State:
        match move.to:
            case UpstreamState.OPEN:
                return self._open(now, wait=max(move.wait, self._rng.uniform(0.5, 2.0)))
            case UpstreamState.SLOW_START:
                return SlowStart(self._knowledge, window, now=now, base=move.base)
            case _:
                return Steady(self._knowledge, window, now=now, base=move.base)

    def _enter(self, state: State, reason: str) -> tuple[Fact, ...]:
        before, self._state = self._state, state
        facts: list[Fact] = [UpstreamStateChanged(before.name, state.name, reason)]
        if before.window != state.window:
            facts.append(WindowChanged(before.window, state.window, reason))
        return tuple(facts)
