"""Steady: stay just above the knee, by comparing two windows again and again.

No base is trusted for long, since a server's pace drifts. Instead the window alternates between W
and 0.8 W, and only these two are compared:

    z = 1 - log(R_high / R_low) / log(W_high / W_low)

By Little's law z tells how much goodput follows the window. Near 1: all the way, the server is
below its knee and could do more. Near 0: not at all, the higher window only adds a queue. The rest
point is W at 1.1 to 1.2 times the knee, where even the lower window keeps most workers busy.

To raise, z is taken from mean logarithms, which err to the safe side; to lower, from arithmetic
means, which are exact. What z says must be beyond its error. The better it is settled, the rarer
the lower window is visited; when responses change at the same window, both are measured anew.

Must not know canaries or slots.
"""

import math
from typing import Final

from gateway.core.facts import UpstreamState
from gateway.core.recovery.knowledge import Knowledge
from gateway.core.recovery.state import Move, Sample
from gateway.core.recovery.trouble import Trouble, Watch
from gateway.core.window import Measurement, Responses, growth_of_logs, growth_of_means

_LOW: Final = 0.8  # of the window, for the probe
_GROWS: Final = 0.45  # z above this by an error: raise; by two: climb in slow start
_QUEUES: Final = 0.1  # z below this by half an error: lower
_RAISE: Final = 1.06
_LOWER: Final = 0.93
_BACK_OFF: Final = 0.7  # on signs of overload
_AFTER_RAISE: Final = 10.0  # seconds in which a fall is our doing

_ROUNDS: Final = 3  # turns of the whole window, at the least
_LEAST: Final = 40  # completions
_MOST: Final = 1500
_ERROR: Final = 0.04  # relative error of a mean that is good enough
_SECONDS: Final = 10.0
_DOUBTFUL: Final = 0.3  # error of z above which nothing is settled
_FADE: Final = 0.6  # weight kept of what was measured before
_CHANGE: Final = 0.08  # growth at the same window that tells a change of the server
_RAREST: Final = 10  # measurements at W for one below


class Steady:
    """Paired probes around a window that is used fully."""

    name: Final = UpstreamState.STEADY

    def __init__(self, knowledge: Knowledge, window: int, *, now: float) -> None:
        """Make it.

        Args:
            knowledge: what is known of the server.
            window: W, to begin with.
            now: monotonic seconds.
        """
        self._knowledge = knowledge
        self._high_window = window
        self._low, self._high = Responses(), Responses()
        self._highs, self._quota = 0, 1
        self._probing = False
        self._raised_at = -math.inf
        self._watch = Watch()
        self._measurement = Measurement(window, settle=window, now=now)

    @property
    def window(self) -> int:
        """How many may be outstanding."""
        return self._measurement.window

    def at_once(self, *, now: float) -> int:  # noqa: ARG002 - the protocol's shape
        """As many as the window has slots."""
        return self.window

    def next_wakeup(self) -> float | None:
        """Time alone changes nothing here."""
        return None

    def observe(self, sample: Sample, *, full: bool, now: float) -> Move | None:
        """Take in an attempt; decide at the end of a measurement or on trouble."""
        trouble = self._watch.observe(sample, now=now)
        if trouble is not Trouble.NONE:
            return self._retreat(trouble, sample, now)
        measurement = self._measurement
        if not full:
            self._measurement = Measurement(self.window, settle=self.window, now=now)
            return None
        if not sample.measures or not measurement.add(sample.duration, now=now):
            return None
        if not self._done(now):
            return None
        return self._end_of_probe(now) if self._probing else self._end_of_high(now)

    def moved(self, window: int, *, now: float) -> None:
        """Begin to measure at the new window."""
        if not self._probing and window != self._high_window:
            if window > self._high_window:
                self._raised_at = now
            self._high_window = window
            self._forget()
        self._begin(window, settle=max(window, self.window), now=now)

    @property
    def _low_window(self) -> int:
        return min(self._high_window - 1, round(_LOW * self._high_window))

    def _begin(self, window: int, *, settle: int, now: float) -> None:
        self._measurement = Measurement(window, settle=settle, now=now)
        self._watch.begin_measurement()

    def _forget(self) -> None:
        self._low, self._high = Responses(), Responses()
        self._highs, self._quota = 0, 1

    def _done(self, now: float) -> bool:
        measurement = self._measurement
        if measurement.count < max(_ROUNDS * self.window, _LEAST):
            return False
        cv2 = max(measurement.responses.spread.cv2, self._knowledge.spread.cv2)
        enough = min(_MOST, cv2 / _ERROR**2)
        return measurement.count >= enough or now - measurement.since >= _SECONDS

    def _end_of_probe(self, now: float) -> Move:
        self._probing = False
        self._low.merge(self._measurement.responses)
        back = Move(window=self._high_window, reason="back from the probe")
        return self._compare(now) or back

    def _end_of_high(self, now: float) -> Move | None:
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
        if self._highs >= self._quota and self._low_window > 0:
            self._highs = 0
            self._probing = True
            return Move(window=self._low_window, reason="probe with a lower window")
        self._begin(self.window, settle=0, now=now)
        return None

    def _compare(self, now: float) -> Move | None:
        span = math.log(self._high_window / self._low_window)
        spread, window = self._knowledge.spread, self._high_window
        logs = growth_of_logs(self._low, self._high, spread)
        z, error = 1 - logs.log / span, logs.error / span
        if z - 2 * error > _GROWS:
            return Move(
                window=window,
                reason=f"goodput grows with the window (z = {z:.2f})",
                to=UpstreamState.SLOW_START,
                base=self._low,
            )
        if z - error > _GROWS:
            return self._resize(max(window + 1, round(_RAISE * window)), z, now)
        means = growth_of_means(self._low, self._high, spread)
        z, error = 1 - means.log / span, means.error / span
        if z + error / 2 < _QUEUES:
            return self._resize(min(window - 1, round(_LOWER * window)), z, now)
        if error <= _DOUBTFUL:
            self._settle()
        return None

    def _settle(self) -> None:
        self._knowledge.good = self._high_window
        self._low.fade(_FADE)
        self._high.fade(_FADE)
        self._quota = min(_RAREST, self._quota + 2)

    def _resize(self, wanted: int, z: float, now: float) -> Move | None:
        wanted = max(self._knowledge.settings.min_window, wanted)
        window = self._knowledge.clamp(wanted, now=now)
        if window == self._high_window:
            return None
        verb = "raise" if window > self._high_window else "lower"
        return Move(window=window, reason=f"{verb}: goodput follows the window by z = {z:.2f}")

    def _retreat(self, trouble: Trouble, sample: Sample, now: float) -> Move:
        self._probing = False
        if trouble is Trouble.TRIP:
            ours = now - self._raised_at < _AFTER_RAISE
            return Move(
                window=1,
                reason="the server stopped answering",
                to=UpstreamState.OPEN,
                cliff=self._high_window if ours else None,
                wait=sample.retry_after or 0.0,
            )
        floor = self._knowledge.settings.min_window
        return Move(
            window=max(floor, int(_BACK_OFF * self._high_window)),
            reason="signs of overload",
            cliff=self.window,
        )

    def __repr__(self) -> str:
        return f"<Steady around {self._high_window}, {self._measurement!r}>"
