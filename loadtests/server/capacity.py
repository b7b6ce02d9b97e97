"""The simulated server's queue and workers: a knee, a cliff, and a slow return.

Pure: time is an argument, randomness is injected. Must not know HTTP, keys, answers or the ledger.

A G/G/k queue with a cliff:

- `workers` work at once, the rest waits, first in, first out.
- More than `collapse_at` outstanding (waiting and in service) is a collapse: the server is down
  for `down_seconds`. What waited is lost. What was in service is lost too, or (`cut_share`) its
  effect stays and only the answer is lost: nobody outside can tell which.
- After that it starts empty. Worker i of k is back i/k of `return_seconds` after the first, which
  is back at once, so that the capacity grows linearly.

A client that leaves changes nothing: its work stays and takes its place in the queue (a ghost).

Invariants: work that is taken in hand ends exactly once; never more than `workers` in service,
unless the number of workers just shrank; no worker idles while work waits.
"""

import heapq
import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from random import Random
from typing import Generic, TypeVar

from loadtests.server.model import Mode, Model, State

W = TypeVar("W")


class Fate(StrEnum):
    """How a piece of work ended."""

    DONE = "done"
    """Served in full."""
    CUT = "cut"
    """Its effect stayed, but the server stopped before it could answer."""
    LOST = "lost"
    """The server stopped before it had any effect."""


@dataclass(frozen=True, slots=True)
class Ended(Generic[W]):
    """Work left the server; `outstanding` is what it had in hand then, this work included."""

    at: float
    work: W
    fate: Fate
    outstanding: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The server went down (then `mode` says how), began to return, or is up."""

    at: float
    state: State
    cause: str
    mode: Mode | None = None


class Capacity(Generic[W]):
    """A server that works, moved on by `now` (seconds, never backwards).

    After every call ask `advance` for what happened, and `next_event` for when to come back.
    """

    def __init__(self, model: Model, rng: Random, *, now: float) -> None:
        self._model = model
        self._rng = rng
        self._now = now
        self._waiting: deque[W] = deque()
        self._serving: list[tuple[float, int, W]] = []  # a heap by the time of completion
        self._order = count()
        self._events: list[Ended[W] | Changed] = []
        self._mode: Mode | None = None
        self._down_until: float | None = None
        self._awake = model.workers
        self._ramp_from: float | None = None
        self._workers_factor = 1.0
        self._service_factor = 1.0
        self._most_outstanding = 0

    def __repr__(self) -> str:
        return (
            f"<Capacity {self.state}, {self.in_service} of {self.workers} in service, "
            f"{len(self._waiting)} waiting>"
        )

    @property
    def down_until(self) -> float | None:
        """When it will be back; None: it is not down."""
        return self._down_until

    @property
    def state(self) -> State:
        """Up, down, or returning."""
        if self._mode is not None:
            return "down"
        return "up" if self._ramp_from is None else "returning"

    @property
    def outstanding(self) -> int:
        """Work in hand: waiting and in service."""
        return len(self._waiting) + len(self._serving)

    @property
    def in_service(self) -> int:
        """Work in the hands of a worker."""
        return len(self._serving)

    @property
    def workers(self) -> int:
        """How many may work at once now."""
        return max(1, math.floor(self._awake * self._workers_factor + 0.5))

    @property
    def per_second(self) -> float:
        """Completions per second that it can keep up below the knee; 0 while down."""
        if self._mode is not None:
            return 0.0
        return self.workers / (self._model.service_seconds * self._service_factor)

    @property
    def cliff(self) -> int | None:
        """The most outstanding it bears: more with added workers, never less without some."""
        limit = self._model.collapse_at
        return None if limit is None else math.floor(limit * max(1.0, self._workers_factor))

    @property
    def most_outstanding(self) -> int:
        """The most that was outstanding since this was last forgotten."""
        return self._most_outstanding

    def forget_most_outstanding(self) -> None:
        """Begin anew with what is outstanding now."""
        self._most_outstanding = self.outstanding

    def arrive(self, work: W, *, now: float) -> Mode | None:
        """Take work in hand (None), or turn it away because the server is down (the way how)."""
        self._run_to(now)
        if self._mode is not None:
            return self._mode
        self._waiting.append(work)
        self._most_outstanding = max(self._most_outstanding, self.outstanding)
        if self.cliff is not None and self.outstanding > self.cliff:
            model = self._model
            self.stop(model.collapse_mode, model.down_seconds, "collapse", drop=True, now=now)
        else:
            self._begin(now)
        return None

    def stop(self, mode: Mode, seconds: float, cause: str, *, drop: bool, now: float) -> None:
        """Go down for `seconds`, or stay down at least as long.

        With `drop` what is in hand is lost or cut, and the return is slow. Without it only new work
        is turned away; what is in hand is finished.
        """
        self._run_to(now)
        self._mode = mode
        self._down_until = max(now + seconds, self._down_until or now)
        self._ramp_from = None
        self._events.append(Changed(now, "down", cause, mode))
        if drop:
            self._drop(now)

    def set_pace(self, *, workers_factor: float, service_factor: float, now: float) -> None:
        """Change how many work at once, and how long what begins from now on takes."""
        self._run_to(now)
        self._workers_factor = workers_factor
        self._service_factor = service_factor
        self._begin(now)

    def next_event(self) -> float | None:
        """When `advance` has something to tell next; None: not before the next arrival."""
        return self._now if self._events else self._next()

    def advance(self, now: float) -> list[Ended[W] | Changed]:
        """Run until `now` and tell what happened since the last call, in order of time."""
        self._run_to(now)
        events, self._events = self._events, []
        return events

    def _next(self) -> float | None:
        times = [self._serving[0][0]] if self._serving else []
        if self._down_until is not None:
            times.append(self._down_until)
        if self._ramp_from is not None:
            times.append(self._next_worker(self._ramp_from))
        return min(times, default=None)

    def _next_worker(self, ramp_from: float) -> float:
        return ramp_from + self._model.return_seconds * self._awake / self._model.workers

    def _run_to(self, now: float) -> None:
        if now < self._now:
            raise ValueError(f"time runs backwards: {now} is before {self._now}")
        while (at := self._next()) is not None and at <= now:
            self._now = at
            if self._serving and self._serving[0][0] == at:
                self._complete(at)
            elif self._down_until == at:
                self._come_back(at)
            else:
                self._wake(at)
        self._now = now

    def _begin(self, now: float) -> None:
        while self._waiting and len(self._serving) < self.workers:
            seconds = self._model.draw_seconds(self._rng, outstanding=self.outstanding)
            done_at = now + seconds * self._service_factor
            heapq.heappush(self._serving, (done_at, next(self._order), self._waiting.popleft()))

    def _complete(self, at: float) -> None:
        outstanding = self.outstanding
        _, _, work = heapq.heappop(self._serving)
        self._events.append(Ended(at, work, Fate.DONE, outstanding))
        self._begin(at)

    def _drop(self, now: float) -> None:
        outstanding = self.outstanding
        for _, _, work in sorted(self._serving):
            cut = self._rng.random() < self._model.cut_share
            self._events.append(Ended(now, work, Fate.CUT if cut else Fate.LOST, outstanding))
        self._events.extend(Ended(now, work, Fate.LOST, outstanding) for work in self._waiting)
        self._serving.clear()
        self._waiting.clear()
        self._awake = 0

    def _come_back(self, at: float) -> None:
        self._mode = self._down_until = None
        workers, seconds = self._model.workers, self._model.return_seconds
        self._awake = max(1, self._awake) if seconds else workers
        if self._awake < workers:
            self._ramp_from = at - seconds * (self._awake - 1) / workers
        self._events.append(Changed(at, self.state, "returned"))

    def _wake(self, at: float) -> None:
        self._awake += 1
        if self._awake == self._model.workers:
            self._ramp_from = None
            self._events.append(Changed(at, "up", "all workers back"))
        self._begin(at)
