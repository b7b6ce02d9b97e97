"""What the simulation drives: the gateway's limiter, and common limits written plainly.

Must not know the server. A baseline knows slots and samples as the gateway's limiter does. A failed
attempt of a baseline comes back after a backoff with full jitter, and keeps its slot meanwhile: the
kindest reading, since it never has more in hand than its limit.
"""

import math
from collections.abc import Callable
from random import Random
from typing import Final, Protocol

from gateway.core.limiter import Limiter, LimiterSettings, Memory
from gateway.core.recovery.state import Sample

_MOST: Final = 256  # no baseline goes above
_ENDLESS: Final = 1_000_000  # enrollments that wait


class Controller(Protocol):
    """Decides how many attempts may be outstanding."""

    backs_off: bool
    """A failed attempt keeps its slot for a backoff; False: the controller does without."""

    @property
    def window(self) -> int:
        """How many may be outstanding now."""
        ...

    def free(self, *, now: float) -> int:
        """How many may start now."""
        ...

    def start(self, attempt: str, /, *, now: float) -> None:
        """One starts."""
        ...

    def finish(self, attempt: str, sample: Sample, /, *, now: float) -> object:
        """One ended."""
        ...

    def next_wakeup(self) -> float | None:
        """When ``free`` may grow by time alone."""
        ...


class Gateway(Limiter):
    """The gateway's limiter with an endless backlog and a cap that is out of the way."""

    backs_off = False

    def __init__(self, rng: Random, *, good: int | None = None) -> None:
        """Make it. ``good``: the window it remembers; None: it starts cold."""
        memory = None if good is None else Memory(good_window=good)
        super().__init__(settings=LimiterSettings(max_window=512), rng=rng, now=0.0, memory=memory)
        self.demand(_ENDLESS, now=0.0)


class Fixed:
    """A limit that never changes; the others change it in ``learn``."""

    backs_off = True

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.outstanding = 0
        self.reached = False

    @property
    def window(self) -> int:
        """How many may be outstanding now."""
        return int(self.limit)

    def free(self, *, now: float) -> int:  # noqa: ARG002 - the protocol's shape
        """How many may start now."""
        return max(0, self.window - self.outstanding)

    def start(self, attempt: str, /, *, now: float) -> None:  # noqa: ARG002 - as above
        """One starts."""
        self.outstanding += 1
        self.reached = self.reached or self.outstanding >= self.window

    def finish(self, attempt: str, sample: Sample, /, *, now: float) -> None:  # noqa: ARG002 - as above
        """One ended."""
        self.outstanding -= 1
        self.learn(sample, now)

    def learn(self, sample: Sample, now: float) -> None:
        """A fixed limit learns nothing."""

    def next_wakeup(self) -> float | None:
        """No baseline has timers."""
        return None


class Aimd(Fixed):
    """One more for each full turn of the limit, half of it on a failure (Chiu and Jain, 1989)."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self._calm_from = 0.0

    def learn(self, sample: Sample, now: float) -> None:
        """Halve once per turn at most: the failures of one turn are one event."""
        if not sample.failed:
            self.limit = min(_MOST, self.limit + 1 / self.limit)
        elif now >= self._calm_from:
            self.limit = max(1.0, self.limit / 2)
            self._calm_from = now + sample.duration


class Vector(Fixed):
    """Vector's adaptive request concurrency at its defaults (initial 1, at most 200).

    Once per mean response time: one more if the limit was reached and responses took no longer than
    on average; times 0.9 on a failure or if they took 2.5 deviations longer.
    """

    def __init__(self) -> None:
        super().__init__(1.0)
        self._mean: float | None = None
        self._variance = 0.0
        self._next = 0.0
        self._sum, self._count = 0.0, 0
        self._pressed = False

    def learn(self, sample: Sample, now: float) -> None:
        """Average; adjust when it is time."""
        if sample.failed:
            self._pressed = True
        else:
            self._sum, self._count = self._sum + sample.duration, self._count + 1
        current = self._sum / self._count if self._count else None
        if self._mean is None:
            if current is not None:
                self._mean, self._next = current, now + current
            return
        if now < self._next:
            return
        self._adjust(self._mean, current)
        if current is not None:
            step = 0.4 * (current - self._mean)
            self._variance = 0.6 * (self._variance + step * (current - self._mean))
            self._mean += step
        self._next = now + self._mean
        self._sum, self._count = 0.0, 0
        self._pressed = self.reached = False

    def _adjust(self, mean: float, current: float | None) -> None:
        slow = current is not None and current >= mean + 2.5 * math.sqrt(self._variance)
        calm = current is not None and current <= mean
        if self.limit < 200 and self.reached and not self._pressed and calm:
            self.limit += 1
        elif self.limit > 1 and (self._pressed or slow):
            self.limit = max(1.0, math.floor(0.9 * self.limit))


class Gradient(Fixed):
    """Gradient2 of Netflix's concurrency-limits at its defaults, sampled once a second.

    limit = 0.8 limit + 0.2 (gradient limit + 4), where the gradient is the long average of response
    times over the short one, between 0.5 and 1; between 20 and 200.
    """

    def __init__(self) -> None:
        super().__init__(20.0)
        self._long = 0.0
        self._samples = 0
        self._until = 1.0
        self._sum, self._count, self._most = 0.0, 0, 0

    def learn(self, sample: Sample, now: float) -> None:
        """Average; adjust once a second."""
        self._most = max(self._most, self.outstanding + 1)
        if not sample.failed:
            self._sum, self._count = self._sum + sample.duration, self._count + 1
        if now < self._until or self._count == 0:
            return
        self._adjust(self._sum / self._count)
        self._until = now + 1.0
        self._sum, self._count, self._most = 0.0, 0, 0

    def _adjust(self, short: float) -> None:
        self._samples += 1
        share = 1 / self._samples if self._samples <= 10 else 2 / 601
        self._long += share * (short - self._long)
        if self._long > 2 * short:
            self._long *= 0.9
        if self._most < self.limit / 2:
            return
        gradient = max(0.5, min(1.0, self._long / short))
        wanted = 0.8 * self.limit + 0.2 * (gradient * self.limit + 4)
        self.limit = max(20.0, min(200.0, wanted))


BASELINES: Final[dict[str, Callable[[], Controller]]] = {
    "fixed window of 50": lambda: Fixed(50.0),
    "AIMD": Aimd,
    "Vector's adaptive concurrency": Vector,
    "gradient limit": Gradient,
}
