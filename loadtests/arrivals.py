"""When citizens come: open-loop arrivals as a non-homogeneous Poisson process, pure and seeded.

Knows nothing of HTTP, stations' names or clocks: times are seconds since the load began.
"""

import random
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True)
class Segment:
    """A stretch of time with one arrival rate: `seconds` long, `weight` relative to the others."""

    seconds: float
    weight: float


OFFICE_DAY = (
    Segment(2, 2.0),
    Segment(2, 1.2),
    Segment(1, 0.3),
    Segment(2, 0.9),
    Segment(1, 0.4),
)
"""A desk's day from 08:00 to 16:00, in hours: a queue in the morning, a lull at noon."""

MONTH_END_DAYS = 5
MONTH_END = 1.8
LAST_DAY = 1.5


@dataclass(frozen=True)
class Profile:
    """A piecewise constant arrival rate with mean `per_second` over all segments."""

    per_second: float
    segments: tuple[Segment, ...]

    @cached_property
    def seconds(self) -> float:
        """How long arrivals go on."""
        return self._ends[-1]

    @property
    def expected(self) -> float:
        """The expected number of arrivals."""
        return self.per_second * self.seconds

    @cached_property
    def peak(self) -> float:
        """The highest rate, per second."""
        return max(self._rates)

    def rate(self, at: float) -> float:
        """Arrivals per second at `at`; zero outside of the profile."""
        if not 0 <= at < self.seconds:
            return 0.0
        return self._rates[bisect_right(self._ends, at)]

    def scaled(self, count: float, time: float) -> "Profile":
        """`count` times as many arrivals per second, over `time` times as many seconds."""
        return replace(
            self,
            per_second=self.per_second * count,
            segments=tuple(Segment(s.seconds * time, s.weight) for s in self.segments),
        )

    @cached_property
    def _ends(self) -> Sequence[float]:
        return tuple(accumulate(s.seconds for s in self.segments))

    @cached_property
    def _rates(self) -> Sequence[float]:
        weighted = sum(s.seconds * s.weight for s in self.segments)
        factor = self.per_second * sum(s.seconds for s in self.segments) / weighted
        return tuple(s.weight * factor for s in self.segments)


def constant(per_second: float, seconds: float) -> Profile:
    """The same rate all the time."""
    return Profile(per_second, (Segment(seconds, 1.0),))


def office_day(per_second: float, seconds: float) -> Profile:
    """One day of 08:00 to 16:00 told in `seconds`, with mean `per_second`."""
    return Profile(per_second, _told_in(OFFICE_DAY, seconds))


def season(per_second: float, seconds: float, first: date, last: date) -> Profile:
    """Every working day from `first` to `last`, both included, told in `seconds`.

    The last five working days of a month bring 80 % more, the very last another half more.
    Nights and weekends are left out, so the rate never rests.
    """
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    segments = tuple(
        Segment(hours.seconds, hours.weight * _month_end(day))
        for day in days
        if _works(day)
        for hours in OFFICE_DAY
    )
    return Profile(per_second, _told_in(segments, seconds))


@dataclass(frozen=True)
class Flood:
    """From `from_seconds` on the station called `station` sends `times` as much as each other."""

    station: str
    times: float
    from_seconds: float


def flooding(
    profile: Profile, share: float, station: str, flood: Flood | None, rng: random.Random
) -> Iterator[float]:
    """What `station` sends beyond its share: nothing, unless it is the one that floods."""
    if flood is None or flood.station != station:
        return iter(())
    more = due_times(profile, share * (flood.times - 1), rng)
    return (at for at in more if at >= flood.from_seconds)


def due_times(profile: Profile, share: float, rng: random.Random) -> Iterator[float]:
    """The arrivals of one station that gets `share` of all, ascending, in seconds.

    Thinning (Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by thinning",
    1979): candidates at the peak rate, each kept with probability rate / peak.
    """
    peak = profile.peak
    if peak * share <= 0:
        return
    at = 0.0
    while (at := at + rng.expovariate(peak * share)) < profile.seconds:
        if rng.random() * peak < profile.rate(at):
            yield at


def _told_in(segments: Sequence[Segment], seconds: float) -> tuple[Segment, ...]:
    whole = sum(s.seconds for s in segments)
    return tuple(Segment(s.seconds / whole * seconds, s.weight) for s in segments)


def _works(day: date) -> bool:
    return day.weekday() < 5


def _month_end(day: date) -> float:
    month_days = monthrange(day.year, day.month)[1]
    later = sum(_works(day.replace(day=n)) for n in range(day.day + 1, month_days + 1))
    if later == 0:
        return MONTH_END * LAST_DAY
    return MONTH_END if later < MONTH_END_DAYS else 1.0
