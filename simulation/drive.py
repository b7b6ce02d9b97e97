"""One run: a controller with an endless backlog in front of a server that was down for a minute.

Pure: virtual time, seeded. Must not know which controller it drives.
"""

import heapq
import math
from dataclasses import dataclass, field
from random import Random

from gateway.core.outcome import Outcome
from gateway.core.recovery.state import Sample
from loadtests.server.model import Model
from simulation.controllers import Controller
from simulation.server import FastServer

OUTAGE = 60.0  # seconds, from the start
_REFUSAL = 0.01  # seconds until a server that is down says no
_BACKOFF_CAP = 5.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Another pace during the run, ``after`` seconds after the return, and for how long.

    Attributes:
        after: seconds after the return.
        workers_factor: how many work.
        service_factor: how long each takes.
        refused: the share of attempts that are turned away at once.
        lasts: seconds until it is as before.
    """

    after: float
    workers_factor: float = 1.0
    service_factor: float = 1.0
    refused: float = 0.0
    lasts: float = math.inf

    @property
    def settled(self) -> float:
        """Seconds after the return from which the server stays as it is."""
        return self.after if math.isinf(self.lasts) else self.after + self.lasts

    @property
    def ends_with(self) -> float:
        """How many work in the end, as a share of those at the beginning."""
        return self.workers_factor if math.isinf(self.lasts) else 1.0


@dataclass(slots=True)
class Run:
    """What a run showed.

    Attributes:
        busy: per second since the start, the share of the server's workers that worked.
        window: per second, the controller's window at its end.
        tips: when the server fell over (seconds since the start).
        attempts: how many were started.
        done: how many were served in full.
    """

    busy: list[float] = field(default_factory=list)
    window: list[int] = field(default_factory=list)
    tips: list[float] = field(default_factory=list)
    attempts: int = 0
    done: int = 0


class Drive:
    """Moves server and controller on from event to event."""

    def __init__(self, model: Model, controller: Controller, *, rng: Random) -> None:
        self._server = FastServer(model, rng, down_until=OUTAGE)
        self._controller = controller
        self._rng = rng
        self._run = Run()
        self._began: dict[str, float] = {}
        self._refused: list[tuple[float, str, Outcome]] = []
        self._refused_share = 0.0
        self._sum = 0.0
        self._now = 0.0

    def go(self, *, seconds: float, change: Change | None = None) -> Run:
        """Run for ``seconds`` after the first outage."""
        end = OUTAGE + seconds
        turns = [] if change is None else _turns(change)
        while self._now < end:
            self._fill()
            self._pass(min(self._next(), turns[0][0] if turns else end, end))
            if turns and self._now >= turns[0][0]:
                self._turn(turns.pop(0)[1])
            self._end_what_is_due()
        return self._run

    def _turn(self, change: Change) -> None:
        self._refused_share = change.refused
        self._server.set_pace(
            workers_factor=change.workers_factor,
            service_factor=change.service_factor,
            now=self._now,
        )

    def _fill(self) -> None:
        for _ in range(self._controller.free(now=self._now)):
            run, now = self._run, self._now
            run.attempts += 1
            attempt = str(run.attempts)
            self._controller.start(attempt, now=now)
            self._began[attempt] = now
            if self._refused_share and self._rng.random() < self._refused_share:
                self._fail(attempt, Outcome.REFUSED)
                continue
            lost = self._server.arrive(attempt, now=now)
            if lost is None:
                continue
            if lost:
                run.tips.append(now)
            self._fail(attempt, Outcome.NOT_SENT)
            for other in lost:
                self._fail(other, Outcome.IN_DOUBT)

    def _fail(self, attempt: str, outcome: Outcome) -> None:
        wait = self._rng.uniform(0.0, _BACKOFF_CAP) if self._controller.backs_off else 0.0
        heapq.heappush(self._refused, (self._now + _REFUSAL + wait, attempt, outcome))

    def _next(self) -> float:
        soonest = self._server.serving[0][0] if self._server.serving else math.inf
        if self._refused and self._refused[0][0] < soonest:
            soonest = self._refused[0][0]
        wakeup = self._controller.next_wakeup()
        if wakeup is not None and wakeup < soonest:
            soonest = wakeup
        return max(soonest, self._now)

    def _pass(self, until: float) -> None:
        run, server = self._run, self._server
        share = min(1.0, len(server.serving) / server.workers)
        while (bucket_ends := len(run.busy) + 1.0) <= until:
            run.busy.append(self._sum + share * (bucket_ends - self._now))
            run.window.append(self._controller.window)
            self._sum, self._now = 0.0, bucket_ends
        self._sum += share * (until - self._now)
        self._now = until

    def _end_what_is_due(self) -> None:
        now, serving = self._now, self._server.serving
        while serving and serving[0][0] <= now:
            self._run.done += 1
            self._finish(self._server.complete(), Outcome.DELIVERED)
        while self._refused and self._refused[0][0] <= now:
            _, attempt, outcome = heapq.heappop(self._refused)
            self._finish(attempt, outcome)

    def _finish(self, attempt: str, outcome: Outcome) -> None:
        sample = Sample(outcome, self._now - self._began.pop(attempt))
        self._controller.finish(attempt, sample, now=self._now)


def _turns(change: Change) -> list[tuple[float, Change]]:
    """When the server becomes what, in seconds since the start."""
    turns = [(OUTAGE + change.after, change)]
    if not math.isinf(change.lasts):
        turns.append((OUTAGE + change.settled, Change(after=change.settled)))
    return turns
