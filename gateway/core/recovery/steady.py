"""Steady: stay just above the knee, by comparing two windows again and again.

No base is trusted for long, since a server's pace drifts. Instead the window alternates between W
and 0.8 W, and only these two are compared: how much longer responses take at W tells how far W is
above the knee (see ``gateway.core.recovery.pair``). The rest point is W at 1.15 to 1.22 times the
knee, where even the lower window keeps most workers busy.

To raise, the growth is taken from mean logarithms, which err to the safe side; to lower, from
arithmetic means, which are exact. What it says must be beyond its error. The better it is settled,
the rarer the lower window is visited; answers that come sooner than before end the rest at once.

On signs of overload it leaves for slow start at a smaller window. If load was the cause, the cliff
is known now and bounds the climb; if not, the window is soon what it was.

Must not know canaries or slots.
"""

import math
from typing import Final

from gateway.core.facts import UpstreamState
from gateway.core.recovery.drop import Drop
from gateway.core.recovery.knowledge import Knowledge
from gateway.core.recovery.pair import Pair, Server
from gateway.core.recovery.state import Move, Sample
from gateway.core.recovery.trouble import Trouble, Watch
from gateway.core.window import Growth, Measurement, Responses

_NEAR: Final = math.log(1.15)  # growth below this by an error: raise; by two: climb in slow start
_FAR: Final = math.log(1.22)  # growth above this by half an error: lower
_CALM: Final = 0.07  # growth below this: it may have to be raised, so look on
_REST: Final = 1.17  # times the knee
_RAISE: Final = 1.06
_LOWER: Final = 0.93  # at most this share of the window, if it is lowered
_BACK_OFF: Final = 0.7  # on signs of overload
_AFTER_RAISE: Final = 10.0  # seconds in which a fall is our doing

_ROUNDS: Final = 3  # turns of the whole window, at the least
_LEAST: Final = 40  # completions
_MOST: Final = 1500
_ERROR: Final = 0.04  # relative error of a mean that is good enough
_SECONDS: Final = 10.0
_DOUBTFUL: Final = 0.067  # error of the growth above which nothing is settled
_RAREST: Final = 10  # measurements at W for one below


class Steady:
    """Paired probes around a window that is used fully."""

    name: Final = UpstreamState.STEADY

    def __init__(
        self, knowledge: Knowledge, window: int, *, now: float, base: Responses | None = None
    ) -> None:
        """Make it.

        Args:
            knowledge: what is known of the server.
            window: W, to begin with.
            now: monotonic seconds.
            base: responses without a queue, if they were measured just now.
        """
        self._knowledge = knowledge
        self._pair = Pair(window, before=base)
        self._highs, self._quota = 0, 1
        self._probing = False
        self._raised_at = -math.inf
        self._watch = Watch()
        self._drop = self._pair.watch()
        self._above = 0  # how often in a row the lower window was above the knee as well
        self.window = window
        self._measurement = Measurement(window, settle=window, now=now)

    def at_once(self, *, now: float) -> int:  # noqa: ARG002 - the protocol's shape
        """As many as the window has slots."""
        return self.window

    def next_wakeup(self) -> float | None:
        """Time alone changes nothing here."""
        return None

    def observe(self, sample: Sample, *, full: bool, running: int, now: float) -> Move | None:
        """Take in an attempt; decide at the end of a measurement or on trouble."""
        trouble = self._watch.observe(sample, running=running, now=now)
        if trouble is not Trouble.NONE:
            return self._retreat(trouble, sample, now)
        measurement = self._measurement
        if not full:
            self._measurement = Measurement(self.window, settle=self.window, now=now)
            return None
        if not sample.measures or not measurement.add(sample.duration, now=now):
            return None
        if self._drop.add(sample.duration) and self._pair.low_window > 0:
            return self._look_below()
        if not self._done(now):
            return None
        return self._end_of_probe(now) if self._probing else self._end_of_high(now)

    def moved(self, window: int, *, now: float) -> None:
        """Begin to measure at the new window."""
        if not self._probing and window != self._pair.window:
            if window > self._pair.window:
                self._raised_at = now
            self._pair = Pair(window, far=self._above > 1)
            self._highs, self._quota = 0, 1
        self._drop = Drop(Responses()) if self._probing else self._pair.watch()
        self._begin(window, settle=max(window, self.window), now=now)

    def _begin(self, window: int, *, settle: int, now: float) -> None:
        self.window = window
        self._measurement = Measurement(window, settle=settle, now=now)
        self._watch.begin_measurement()

    def _done(self, now: float) -> bool:
        measurement = self._measurement
        count = measurement.responses.count
        if count < _ROUNDS * self.window:
            return False
        effort = self._pair.effort if self._probing else 1.0
        if count < _LEAST * effort:
            return False
        cv2 = max(measurement.responses.spread.cv2, self._knowledge.spread.cv2)
        if measurement.count < _ROUNDS * (1 + cv2) * self.window:
            return False  # short ones end first: see slow start
        enough = min(_MOST, effort * cv2 / _ERROR**2)
        return measurement.count >= enough or now - measurement.since >= _SECONDS

    def _look_below(self) -> Move:
        """Responses dropped. Do more workers take the queue away, or is each faster?"""
        self._highs, self._quota = 0, 1
        self._pair.dropped(self._drop.since)
        self._probing = True
        return Move(window=self._pair.low_window, reason="responses dropped: look well below")

    def _end_of_probe(self, now: float) -> Move:
        self._probing = False
        seems = self._pair.add_low(self._measurement.responses, self._knowledge.spread)
        if seems is Server.CHANGED:
            self._highs, self._quota = 0, 1
        back = Move(window=self._pair.window, reason="back from the probe")
        return self._compare(now) or back

    def _end_of_high(self, now: float) -> Move | None:
        seems = self._pair.add_high(self._measurement.responses, self._knowledge.spread)
        self._highs = 0 if seems is Server.CHANGED else self._highs + 1
        move = self._compare(now)
        if move is not None:
            return move
        self._quota = self._quota if seems is Server.SAME else 1
        if self._highs >= self._quota and self._pair.low_window > 0:
            self._highs = 0
            self._probing = True
            return Move(window=self._pair.low_window, reason="probe with a lower window")
        if seems is not Server.SAME or not self._drop.suspected:
            self._drop = self._pair.watch()
        self._begin(self.window, settle=0, now=now)
        return None

    def _compare(self, now: float) -> Move | None:
        found = self._pair.compare(self._knowledge.spread)
        if found is None:
            return None
        window = self._pair.window
        logs, means = found.logs, found.means
        doubt = 1 if self._pair.became_faster else 2  # slow start looks once more
        if logs.log + doubt * logs.error < _NEAR:
            return Move(
                window=window,
                reason=f"goodput grows with the window: {_told(logs)}",
                to=UpstreamState.SLOW_START,
                base=self._pair.low,
            )
        if logs.log + logs.error < _NEAR:
            self._above = 0
            return self._resize(max(window + 1, round(_RAISE * window)), logs, now)
        if means.log - means.error / 2 > _FAR:
            share = min(_LOWER, _REST / means.ratio)
            most = math.log(window / self._pair.low_window)
            self._above = self._above + 1 if means.log + means.error > 0.95 * most else 0
            return self._resize(min(window - 1, round(share * window)), means, now)
        if means.error <= _DOUBTFUL and (logs.log > _CALM or self._pair.deep):
            self._settle()
        return None

    def _settle(self) -> None:
        self._knowledge.good = self._pair.window
        self._above = 0
        self._pair.settle()
        self._quota = min(_RAREST, self._quota + 2)

    def _resize(self, wanted: int, growth: Growth, now: float) -> Move | None:
        wanted = max(self._knowledge.settings.min_window, wanted)
        window = self._knowledge.clamp(wanted, now=now)
        if window == self._pair.window:
            return None
        verb = "raise" if window > self._pair.window else "lower"
        return Move(window=window, reason=f"{verb}: {_told(growth)}")

    def _retreat(self, trouble: Trouble, sample: Sample, now: float) -> Move:
        self._probing = False
        window = self._pair.window
        if trouble is Trouble.TRIP:
            ours = now - self._raised_at < _AFTER_RAISE
            return Move(
                window=1,
                reason="the server stopped answering",
                to=UpstreamState.OPEN,
                cliff=window if ours else None,
                wait=sample.retry_after or 0.0,
            )
        floor = self._knowledge.settings.min_window
        return Move(
            window=max(floor, int(_BACK_OFF * window)),
            reason="signs of overload",
            to=UpstreamState.SLOW_START,
            cliff=self.window,
            backs_off=True,
        )

    def __repr__(self) -> str:
        return f"<Steady around {self._pair.window}, {self._measurement!r}>"


def _told(growth: Growth) -> str:
    return f"responses take {growth.ratio:.2f} times as long as at the lower one"
