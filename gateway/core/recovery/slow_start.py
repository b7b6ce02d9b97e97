"""Slow start: find the knee from below, by response times that do not yet grow.

The window is raised as long as responses take no longer than they did at the smaller windows of
this slow start (the *base*). Below the knee they do not grow with the window; above it they grow at
least in proportion (see ``gateway.core.window``). A step of 1.25 from a window that shows no queue
cannot reach 1.5 times the knee, where the nearest cliffs are.

A measurement goes on until it is *sure*: the growth is an error away from the line between "no
queue" and "queue". So a server with even response times is climbed fast, and one with uneven ones
with care. If it never gets sure, a window that seems free of a queue is believed soon, and one that
seems not to be only after three times the effort: a stop by mistake costs minutes, and the step
after a climb by mistake is measured again.

The window that was proven before had no queue, so by Little's law a queue at this one lengthens
responses by no more than one is larger than the other. What grows by more is the server's pace:
then it begins again with a new base, at the proven window, instead of stopping below the knee.

Failures that are no outage end it at a smaller window, from which it begins anew.

Up to most of a remembered window only a rough look is taken, and the steps are a little larger: it
was proven before. The first sign of a queue on the way tells that the memory misleads, and from
there on it goes as if nothing were known.

Out of steady it begins with the base that steady measured, at a window that may be above the knee
already: so it looks there once more before it climbs, its steps are smaller, and it stops where it
finds a queue: steady knows how to come down.

Must not know canaries, slots or the steady state's probing.
"""

import math
from typing import Final

from gateway.core.facts import UpstreamState
from gateway.core.recovery.knowledge import Knowledge
from gateway.core.recovery.state import Move, Sample
from gateway.core.recovery.trouble import Trouble, Watch
from gateway.core.window import Growth, Measurement, Responses, growth_of_logs

_STEP: Final = 1.25
_CAREFUL_STEP: Final = 1.15  # from a window that may already be above the knee
_KNOWN_STEP: Final = 1.3
_KNOWN_SHARE: Final = 0.7  # of the remembered window
_HEADROOM: Final = 1.17  # times the knee, where it stops when it came from far below
_BACK_OFF: Final = 0.7  # of the window, on signs of overload

_QUEUE: Final = 0.09  # growth of the mean logarithm that tells a queue, for even responses
_QUEUE_SPREAD: Final = 0.1  # more of it for uneven ones, whose logarithms a queue moves more
_FASTER: Final = 0.1  # growth below minus this tells that the server became faster, so that its
_FASTER_DOUBT: Final = 0.05  # base hides a queue; better once too often, if it is hard to tell
_SLOWER: Final = 0.3  # more growth than a queue explains by so much tells that it became slower

_ROUNDS: Final = 3  # turns of the whole window, at the least
_FEWEST: Final = 12  # completions
_NEXT_LOOK: Final = 1.5  # times as many: looking again and again would find what is not there
_ENOUGH_ROUNDS: Final = 8
_ERROR: Final = 0.05  # a smaller error than this teaches nothing more
_SECONDS: Final = 6.0
_PATIENCE: Final = 3  # times the usual effort before a doubtful queue is believed


class SlowStart:
    """The window grows until responses do."""

    name: Final = UpstreamState.SLOW_START

    def __init__(
        self, knowledge: Knowledge, window: int, *, now: float, base: Responses | None = None
    ) -> None:
        """Make it.

        Args:
            knowledge: what is known of the server.
            window: where to begin.
            now: monotonic seconds.
            base: responses without a queue, if they were measured just now.
        """
        self._knowledge = knowledge
        self._careful = base is not None
        self._base = base or Responses()
        self._proven = window
        self._known = None if self._careful else knowledge.good
        self._watch = Watch()
        self._raised = False
        self.window = window
        self._measurement = Measurement(window, settle=window, now=now)
        self._look_at = float(_FEWEST)

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
            return self._retreat(trouble, sample)
        measurement = self._measurement
        if not full:
            self._begin(self.window, settle=self.window, now=now)
            return None
        if not sample.measures or not measurement.add(sample.duration, now=now):
            return None
        if measurement.count < self._look_at:
            return None
        least = self._least()
        if measurement.count < least:
            self._look_at = least
            return None
        self._look_at = _NEXT_LOOK * measurement.count
        return self._look(now)

    def moved(self, window: int, *, now: float) -> None:
        """Begin to measure at the new window."""
        self._raised = self._raised or window > self.window
        self._begin(window, settle=max(window, self.window), now=now)
        self._watch.begin_measurement()

    def _begin(self, window: int, *, settle: int, now: float) -> None:
        self.window = window
        self._measurement = Measurement(window, settle=settle, now=now)
        self._look_at = float(_FEWEST)

    def _retreat(self, trouble: Trouble, sample: Sample) -> Move:
        cliff = self.window if self._raised else None
        if trouble is Trouble.TRIP:
            return Move(
                window=1,
                reason="the server stopped answering in slow start",
                to=UpstreamState.OPEN,
                cliff=cliff,
                wait=sample.retry_after or 0.0,
            )
        floor = self._knowledge.settings.min_window
        return Move(
            window=max(floor, int(_BACK_OFF * self.window)),
            reason="signs of overload in slow start",
            to=UpstreamState.SLOW_START,
            cliff=cliff,
            backs_off=True,
        )

    def _least(self) -> float:
        """Completions before a first look.

        Of attempts that began together the short ones end first, and the more uneven they are, the
        longer it takes until what ends is a fair sample: some cv^2 turns of the window.
        """
        cv2 = self._measurement.responses.spread.cv2
        rounds = 1 + 2 * cv2 if self._far_below() else _ROUNDS * (1 + cv2)
        return max(rounds * self.window, _FEWEST)

    def _far_below(self) -> bool:
        """Still well below the remembered window."""
        return self._known is not None and self.window < _KNOWN_SHARE * self._known

    def _look(self, now: float) -> Move | None:
        if self._base.count == 0:
            ready = self._far_below() or self._exhausted(now, rounds=_ROUNDS)
            return self._climb(now) if ready else None
        found = growth_of_logs(self._base, self._measurement.responses, self._base.spread)
        if self._far_below():
            return self._climb(now) if found.log - 2 * found.error < _QUEUE else self._restart()
        return self._judge(found, now)

    def _judge(self, found: Growth, now: float) -> Move | None:
        if found.log + min(found.error, _FASTER_DOUBT) < -_FASTER:
            return self._restart()
        if found.log - 2 * found.error > math.log(self.window / self._proven) + _SLOWER:
            return self._restart()
        spread = math.sqrt(self._measurement.responses.spread.log_variance)
        line = _QUEUE + _QUEUE_SPREAD * spread
        below, above = found.log + found.error < line, found.log - 2 * found.error > line
        if below or (found.log < line and self._exhausted(now, rounds=_ENOUGH_ROUNDS)):
            return self._climb(now)
        if above or self._exhausted(now, rounds=_PATIENCE * _ENOUGH_ROUNDS):
            return self._stop(found)
        return None

    def _exhausted(self, now: float, *, rounds: int) -> bool:
        """There is no more to learn in reasonable time."""
        measurement = self._measurement
        if measurement.count < rounds * self.window:
            return False
        enough = measurement.responses.spread.log_variance / _ERROR**2
        seconds = _SECONDS * max(1, rounds / _ENOUGH_ROUNDS)
        return measurement.count >= enough or now - measurement.since >= seconds

    def _stop(self, found: Growth) -> Move:
        window = self.window
        if not self._careful:
            knee = window / found.ratio
            window = round(min(max(_HEADROOM * knee, self._proven), window))
        return Move(
            window=window,
            reason=f"responses take {found.ratio:.2f} times as long as without a queue",
            to=UpstreamState.STEADY,
            base=self._base,
        )

    def _restart(self) -> Move:
        """Base and server do not fit: it changed, or the memory or a rough look misled."""
        before, self._known, self._base = self._base, None, Responses()
        return Move(
            window=self._proven,
            reason="responses are not as they were: begin again with care",
            to=UpstreamState.STEADY if self._careful else None,
            base=before if self._careful else None,
        )

    def _climb(self, now: float) -> Move:
        self._base.merge(self._measurement.responses)
        self._knowledge.spread = self._base.spread
        self._proven = self.window
        step = _CAREFUL_STEP if self._careful else _STEP
        step = _KNOWN_STEP if self._far_below() else step
        wanted = max(self.window + 1, round(step * self.window))
        if self._known is not None:
            wanted = min(wanted, self._known)
        if self._knowledge.clamp(wanted, now=now) > self.window:
            return Move(window=wanted, reason="responses take no longer than at a smaller window")
        return Move(
            window=self.window,
            reason="as high as is remembered or allowed",
            to=UpstreamState.STEADY,
        )

    def __repr__(self) -> str:
        return f"<SlowStart {self._measurement!r}, base of {self._base.count:.0f}>"
