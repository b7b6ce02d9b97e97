"""Open: the server is thought down. One canary at a time asks whether it is back.

The canary is a real enrollment. After a failure the next one waits U(0.5 s, min(5 s, 2^n)), so that
many gateways do not knock together, or as long as the server asked. Three answers in a row end the
outage: one alone may be luck of a server that is still coming up.

A canary that was cut or timed out leaves a ghost. Were there one slot only, the ghost would hold it
for a whole attempt timeout, and delivery would stand still so long after the server's return. So
there are a few slots, one for the canary and the others for ghosts: fewer than any server falls
over from. Canaries that fail fast wait a little longer, so that their ghosts never fill the window.

A canary that hangs would keep the others away for a whole attempt timeout as well, after the return
too, where what hung is lost. So it is given up after a multiple of the slowest answer of before: a
ghost from then on. But the server may have become slower than that, so a few, ever rarer ones, wait
as long as any attempt does.

Must not know windows other than its own.
"""

import random
from typing import Final

from gateway.core.facts import UpstreamState
from gateway.core.recovery.state import Move, Sample

_ANSWERS: Final = 3
_SHORTEST_WAIT: Final = 0.5  # seconds
_LONGEST_WAIT: Final = 5.0  # seconds; it bounds how late a return is noticed
_LEAST_PATIENCE: Final = 10.0  # seconds; the sooner one is given up, the more ghosts there are
_SLOWER: Final = 4.0  # times as slow as its slowest answer: it may be back and not what it was
_FIRST_PATIENT: Final = 16  # failures, then twice as many: the next one is not given up
RETRY_AFTER_MAX: Final = 300.0  # seconds; a garbled header must not stop delivery for days


class Open:
    """One canary at a time, until three in a row were answered."""

    name: Final = UpstreamState.OPEN

    def __init__(self, *, window: int, next_window: int, rng: random.Random, due: float) -> None:
        """Make it.

        Args:
            window: for the canary and for ghosts.
            next_window: where slow start begins after the outage.
            rng: for the jitter.
            due: monotonic seconds before which no canary starts.
        """
        self.window: Final = window
        self._next_window = next_window
        self._rng = rng
        self._due = due
        self._failures = 0
        self._answers = 0

    def at_once(self, *, now: float) -> int:
        """One canary, when it is due."""
        return 1 if now >= self._due else 0

    def patience(self, slowest: float | None) -> float | None:
        """Seconds after which a canary that starts now is given up; None: as any attempt.

        ``slowest``: seconds that the server lately took for an answer at most, if that is known.
        """
        patient = self._failures >= _FIRST_PATIENT and self._failures.bit_count() == 1
        return None if slowest is None or patient else max(_LEAST_PATIENCE, _SLOWER * slowest)

    def observe(
        self,
        sample: Sample,
        *,
        full: bool,  # noqa: ARG002 - the protocol's shape
        running: int,  # noqa: ARG002 - as above
        now: float,
    ) -> Move | None:
        """Take in a canary."""
        if sample.failed:
            self._answers = 0
            self._failures += 1
            longest = min(_LONGEST_WAIT, 2.0 ** min(self._failures, 8))
            wait = self._rng.uniform(_SHORTEST_WAIT, longest)
            self._due = now + max(wait, min(sample.retry_after or 0.0, RETRY_AFTER_MAX))
            if sample.ghost_until is not None:
                began = now - sample.duration
                apart = (sample.ghost_until - began) / self.window
                self._due = max(self._due, began + apart)
            return None
        self._due = now
        self._answers += 1
        if self._answers < _ANSWERS:
            return None
        return Move(
            window=self._next_window,
            reason=f"{_ANSWERS} canaries in a row were answered",
            to=UpstreamState.SLOW_START,
        )

    def moved(self, window: int, *, now: float) -> None:
        """It never moves but to leave."""

    def next_wakeup(self) -> float | None:
        """When the next canary is due."""
        return self._due

    def __repr__(self) -> str:
        return f"<Open: {self._failures} canaries failed, {self._answers} in a row answered>"
