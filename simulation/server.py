"""A fast stand-in for the recording server's queue, workers and cliff.

It draws the same service times in the same order as ``loadtests.server.capacity``, and a test holds
the two together event by event. That one tells more (fates, modes, a slow return) and is three
times slower, which thousands of runs cannot pay. Must not know controllers.
"""

import heapq
import math
from collections import deque
from random import Random

from loadtests.server.model import Model


class FastServer:
    """Workers with one queue; above the cliff everything in hand is lost and it is down a while."""

    def __init__(self, model: Model, rng: Random, *, down_until: float) -> None:
        self.model = model
        self.workers = model.workers
        self.cliff = math.inf if model.collapse_at is None else model.collapse_at
        self.down_until = down_until
        self.serving: list[tuple[float, int, str]] = []  # a heap by the time of completion
        self._rng = rng
        self._waiting: deque[str] = deque()
        self._order = 0
        self._factor = 1.0
        self._sigma = math.sqrt(math.log1p(model.cv**2))
        self._mu = math.log(model.service_seconds) - self._sigma**2 / 2

    def arrive(self, attempt: str, *, now: float) -> list[str] | None:
        """Take an attempt in hand: None. A list: it is not taken, and these are lost with it."""
        if now < self.down_until:
            return []
        if len(self.serving) < self.workers:
            self._serve(attempt, now)
            return None
        self._waiting.append(attempt)
        if len(self.serving) + len(self._waiting) <= self.cliff:
            return None
        self._waiting.pop()
        lost = [attempt for _, _, attempt in self.serving] + list(self._waiting)
        self.serving.clear()
        self._waiting.clear()
        self.down_until = now + self.model.down_seconds
        return lost

    def complete(self) -> str:
        """Finish the attempt that is done first, ``serving[0]``."""
        now, _, attempt = heapq.heappop(self.serving)
        if self._waiting and len(self.serving) < self.workers:
            self._serve(self._waiting.popleft(), now)
        return attempt

    def set_pace(self, *, workers_factor: float, service_factor: float, now: float) -> None:
        """Change how many work, and how long what begins from now on takes."""
        self.workers = max(1, math.floor(self.model.workers * workers_factor + 0.5))
        if self.model.collapse_at is not None:
            self.cliff = math.floor(self.model.collapse_at * max(1.0, workers_factor))
        self._factor = service_factor
        while self._waiting and len(self.serving) < self.workers:
            self._serve(self._waiting.popleft(), now)

    def _serve(self, attempt: str, now: float) -> None:
        seconds = self._factor * self._rng.lognormvariate(self._mu, self._sigma)
        self._order += 1
        heapq.heappush(self.serving, (now + seconds, self._order, attempt))
