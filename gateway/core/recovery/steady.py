"""Steady: stay just above the knee, by comparing two windows again and again.

No base is trusted for long, since a server's pace drifts. Instead the window is alternated between
W and a lower one, and only these two are compared:

    z = 1 - log(R_high / R_low) / log(W_high / W_low)

z near 1: responses do not depend on the window, so the server is below its knee and could do more.
z near 0: the higher window only adds a queue. The rest point, z about 0.3, is W at some 1.15 times
the knee, where even the lower window keeps every worker busy most of the time.

Must not know canaries or slots.
"""

import math
from typing import Final

from gateway.core.facts import UpstreamState
from gateway.core.recovery.knowledge import Knowledge
from gateway.core.recovery.state import Move, Sample
from gateway.core.recovery.trouble import Trouble, Watch
from gateway.core.window import Measurement, Responses, growth_of_logs, growth_of_means

_LOW: Final = 0.8
_LINEAR: Final = 0.45
_RAISE: Final = 0.45
_LOWER: Final = 0.1
_DOUBTFUL: Final = 0.3
_FADE: Final = 0.6
_LONGEST_QUOTA: Final = 10
_ROUNDS: Final = 3
_LEAST: Final = 40
_MOST: Final = 1500
_ERROR: Final = 0.04
_SECONDS: Final = 10.0
_CHANGE: Final = 0.08
_BACK: Final = "back from the probe"
_AFTER_RAISE: Final = 10.0  # seconds in which a fall is our doing


class Steady:
    """Paired probes around a window that is used fully."""

    name: Final = UpstreamState.STEADY

    def __init__(self, knowledge: Knowledge, window: int, *, now: float) -> None:
        self._knowledge = knowledge
        self._high_window = window
        self._low = Responses()
        self._high = Responses()
        self._quota = 1
        self._raised = -math.inf
        self._watch = Watch()
        self._measurement = Measurement(window, settle=window, now=now)
        self._highs = 0

    @property
    def window(self) -> int:
        """How many may be outstanding."""
        return self._measurement.window

    def may_start(self, *, now: float) -> bool:  # noqa: ARG002 - the protocol's shape
        """Slots alone decide."""
        return True

    def next_wakeup(self) -> float | None:
        """Time alone changes nothing here."""
        return None

    def observe(self, sample: Sample, *, full: bool, now: float) -> Move | None:
        """Take in an attempt; decide at the end of a measurement or on trouble."""
        trouble = self._watch.observe(failed=sample.failed)
        if trouble is not Trouble.NONE:
            return self._retreat(trouble, sample, now)
        measurement = self._measurement
        if not full:
            measurement.restart(now=now)
            return None
        if not sample.measures or not measurement.add(sample.duration, now=now):
            return None
        if not self._done(now):
            return None
        if self.window == self._high_window:
            return self._judge_high(now)
        self._low.merge(measurement.responses)
        return self._compare(now) or Move(window=self._high_window, reason=_BACK)

    def moved(self, window: int, *, now: float) -> None:
        """Begin to measure at the new window."""
        if not self._probing(window):
            if window > self._high_window:
                self._raised = now
            self._high_window = window
            self._forget()
        self._begin(window, now)

    def _probing(self, window: int) -> bool:
        return window in {self._high_window, self._low_window}

    @property
    def _low_window(self) -> int:
        return max(self._knowledge.settings.min_window, round(_LOW * self._high_window))

    def _begin(self, window: int, now: float) -> None:
        settle = max(window, self.window)
        self._measurement = Measurement(window, settle=settle, now=now)
        self._watch.begin_measurement()

    def _forget(self) -> None:
        self._low, self._high = Responses(), Responses()
        self._highs, self._quota = 0, 1

    def _done(self, now: float) -> bool:
        measurement = self._measurement
        if measurement.count < max(_ROUNDS * self.window, _LEAST):
            return False
        enough = min(
            _MOST, max(measurement.responses.spread.cv2, self._knowledge.spread.cv2) / _ERROR**2
        )
        return measurement.count >= enough or now - measurement.since >= _SECONDS

    def _judge_high(self, now: float) -> Move | None:
        responses = self._measurement.responses
        if self._high.count:
            change = growth_of_logs(self._high, responses, self._knowledge.spread)
            if abs(change.log) > max(_CHANGE, 2 * change.error):
                self._forget()
        self._high.merge(responses)
        self._highs += 1
        move = self._compare(now) if self._low.count else None
        if move is not None:
            return move
        if self._highs >= self._quota and self._low_window < self._high_window:
            self._highs = 0
            return Move(window=self._low_window, reason="probe with a lower window")
        self._begin(self.window, now)
        self._measurement.skip_settling()
        return None

    def _compare(self, now: float) -> Move | None:
        span = math.log(self._high_window / self._low_window)
        spread = self._knowledge.spread
        logs = growth_of_logs(self._low, self._high, spread)
        means = growth_of_means(self._low, self._high, spread)
        z, error = 1 - logs.log / span, logs.error / span
        window = self._high_window
        if z - 2 * error > _LINEAR:
            return Move(
                window=window,
                reason=f"goodput grows with the window (z = {z:.2f})",
                to=UpstreamState.SLOW_START,
                base=self._low,
            )
        if z - error > _RAISE:
            return self._resize(max(window + 1, round(1.06 * window)), z, now)
        z, error = 1 - means.log / span, means.error / span
        if z + error / 2 < _LOWER:
            return self._resize(min(window - 1, round(0.93 * window)), z, now)
        if error > _DOUBTFUL:
            return None
        self._knowledge.good = window
        self._low.fade(_FADE)
        self._high.fade(_FADE)
        self._quota = min(_LONGEST_QUOTA, self._quota + 2)
        return None

    def _resize(self, window: int, z: float, now: float) -> Move | None:
        window = self._knowledge.clamp(window, now=now)
        if window == self._high_window:
            return None
        word = "raise" if window > self._high_window else "lower"
        return Move(window=window, reason=f"{word}: z = {z:.2f}")

    def _retreat(self, trouble: Trouble, sample: Sample, now: float) -> Move:
        cliff = self._high_window if now - self._raised < _AFTER_RAISE else None
        if trouble is Trouble.TRIP:
            return Move(
                window=1,
                reason="the server stopped answering",
                to=UpstreamState.OPEN,
                cliff=cliff,
                wait=sample.retry_after or 0.0,
            )
        return Move(
            window=int(0.7 * self._high_window), reason="signs of overload", cliff=self.window
        )

    def __repr__(self) -> str:
        return f"<Steady around {self._high_window}, {self._measurement!r}>"
