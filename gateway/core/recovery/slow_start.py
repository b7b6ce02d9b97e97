"""Slow start: find the knee from below, by response times that do not yet grow.

The window is raised as long as responses take no longer than they did in this slow start so far
(the *base*). Below the knee they do not grow with the window; above it they grow at least in
proportion (see ``gateway.core.window``). A step of 1.25 from a window that shows no queue cannot
reach 1.5 times the knee, where the nearest cliffs are.

A measurement lasts until it is *sure*: the growth is a standard error away from the line between
"no queue" and "queue", or there is no more to learn in reasonable time. So a server with even
response times is climbed fast, and one with uneven ones with care.

Up to most of a remembered window only a rough look is taken, and the steps are larger: it was
proven before. From 0.7 of it a step of 1.45 cannot tip even a server whose capacity halved while
it was down, since every window on the way was seen to be below the knee.

Must not know canaries, slots or the steady state's probing.
"""

import math
from typing import Final

from gateway.core.facts import UpstreamState
from gateway.core.recovery.knowledge import Knowledge
from gateway.core.recovery.state import Move, Sample
from gateway.core.recovery.trouble import Trouble, Watch
from gateway.core.window import Measurement, Responses, growth_of_logs

_STEP: Final = 1.25
_CAREFUL_STEP: Final = 1.15  # from a window that may already be above the knee
_KNOWN_STEP: Final = 1.45
_KNOWN_SHARE: Final = 0.7  # of the remembered window
_QUEUE: Final = 0.09  # growth of the mean logarithm that tells a queue, for even responses
_QUEUE_SPREAD: Final = 0.1  # more of it for uneven ones, whose logarithms a queue moves more
_PATIENCE: Final = 3  # times the usual effort before a doubtful queue is believed
_FASTER: Final = 0.1  # growth below minus this tells that the server became faster
_ROUGH_QUEUE: Final = 0.35
_ROUNDS: Final = 3  # turns of the whole window, at the least
_FEWEST: Final = 12
_NEXT_LOOK: Final = 1.5  # times as many: looking again and again would find what is not there
_ENOUGH_ROUNDS: Final = 8
_ERROR: Final = 0.05  # a smaller error than this teaches nothing more
_SECONDS: Final = 6.0
_HEADROOM: Final = 1.17  # times the knee


class SlowStart:
    """The window grows until responses do."""

    name: Final = UpstreamState.SLOW_START

    def __init__(
        self,
        knowledge: Knowledge,
        window: int,
        *,
        now: float,
        base: Responses | None = None,
    ) -> None:
        self._knowledge = knowledge
        self._base = base or Responses()
        self._careful = base is not None
        self._proven = window
        self._known = knowledge.good if base is None else None
        self._watch = Watch()
        self._raised = False
        self._measurement = Measurement(window, settle=window, now=now)
        self._look_at = _FEWEST * 1.0

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
            return self._retreat(trouble, sample)
        measurement = self._measurement
        if not full:
            measurement.restart(now=now)
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
        return self._judge(now)

    def moved(self, window: int, *, now: float) -> None:
        """Begin to measure at the new window."""
        settle = max(window, self.window)
        self._raised = self._raised or window > self.window
        self._measurement = Measurement(window, settle=settle, now=now)
        self._look_at = _FEWEST * 1.0
        self._watch.begin_measurement()

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
        return Move(
            window=int(0.7 * self.window),
            reason="signs of overload in slow start",
            to=UpstreamState.STEADY,
            cliff=cliff,
        )

    def _least(self) -> float:
        """Completions before a first look.

        Of attempts that began together the short ones end first, and the more uneven they are, the
        longer it takes until what ends is a fair sample: some cv^2 turns of the window.
        """
        cv2 = self._measurement.responses.spread.cv2
        rounds = 1 + 2 * cv2 if self._near(self.window) else _ROUNDS * (1 + cv2)
        return max(rounds * self.window, _FEWEST)

    def _near(self, window: int) -> bool:
        """Still well below what is remembered."""
        return self._known is not None and window < _KNOWN_SHARE * self._known

    def _judge(self, now: float) -> Move | None:
        measurement = self._measurement
        if self._base.count == 0:
            ready = self._near(self.window) or self._exhausted(now, rounds=_ROUNDS)
            return self._climb(now) if ready else None
        found = growth_of_logs(self._base, measurement.responses, self._base.spread)
        if self._near(self.window):
            if found.log < _ROUGH_QUEUE:
                return self._climb(now)
            self._known, self._base = None, Responses()
            return Move(window=self._proven, reason="responses grow early: begin again with care")
        if found.log + 2 * found.error < -_FASTER:
            return self._begin_again()
        line = _QUEUE + _QUEUE_SPREAD * math.sqrt(measurement.responses.spread.log_variance)
        below, above = found.log + found.error < line, found.log - 2 * found.error > line
        if below or (found.log < line and self._exhausted(now, rounds=_ENOUGH_ROUNDS)):
            return self._climb(now)
        if not above and not self._exhausted(now, rounds=_PATIENCE * _ENOUGH_ROUNDS):
            return None
        knee = self.window / found.ratio
        window = min(max(_HEADROOM * knee, self._proven), self.window)
        return Move(
            window=round(window),
            reason=f"responses take {found.ratio:.2f} times as long as without a queue",
            to=UpstreamState.STEADY,
        )

    def _begin_again(self) -> Move:
        """The base is from a slower server than this one, and hides a queue."""
        self._base = Responses()
        return Move(
            window=self._proven,
            reason="responses became faster: begin again with care",
            to=UpstreamState.STEADY if self._careful else None,
        )

    def _exhausted(self, now: float, *, rounds: int) -> bool:
        """There is no more to learn in reasonable time."""
        measurement = self._measurement
        if measurement.count < rounds * self.window:
            return False
        enough = measurement.responses.spread.log_variance / _ERROR**2
        seconds = _SECONDS * max(1, rounds / _ENOUGH_ROUNDS)
        return measurement.count >= enough or now - measurement.since >= seconds

    def _climb(self, now: float) -> Move:
        responses = self._measurement.responses
        self._base.merge(responses)
        self._knowledge.spread = self._base.spread
        self._proven = self.window
        known = self._known
        step = _CAREFUL_STEP if self._careful else _STEP
        if known is not None and self._near(self.window):
            step = _KNOWN_STEP
        wanted = max(self.window + 1, round(step * self.window))
        if known is not None:
            wanted = min(wanted, known)
        wanted = self._knowledge.clamp(wanted, now=now)
        if wanted <= self.window:
            return Move(
                window=self.window,
                reason="as high as is remembered or allowed",
                to=UpstreamState.STEADY,
            )
        return Move(window=wanted, reason="responses take no longer than with a smaller window")

    def __repr__(self) -> str:
        return f"<SlowStart {self._measurement!r}, base of {self._base.count:.0f}>"
