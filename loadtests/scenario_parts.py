"""The parts of a scenario that are tables of their own: who comes, with what, and what goes wrong.

Figures, checked when read; `loadtests.scenario` puts them together.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from loadtests import arrivals
from loadtests.enrollments import PacketSizes
from loadtests.stations import KECAMATAN

STRICT = ConfigDict(extra="forbid")
"""An unknown key is a mistake."""

Seconds = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, config=STRICT)
class Arrivals:
    """How citizens come: `per_second` is the mean over `seconds`, `shape` spreads it."""

    per_second: Annotated[float, Field(gt=0)]
    seconds: Seconds
    shape: Literal["constant", "day", "season"] = "constant"
    first: date | None = None
    last: date | None = None

    @model_validator(mode="after")
    def _season_has_dates(self) -> Self:
        wanted = 2 if self.shape == "season" else 0
        if sum(day is not None for day in (self.first, self.last)) != wanted:
            raise ValueError('`first` and `last` belong to shape = "season", and it needs both')
        if self.first is not None and self.last is not None and self.first >= self.last:
            raise ValueError("`first` must be before `last`")
        return self

    def profile(self) -> arrivals.Profile:
        """The rate over time."""
        if self.first is not None and self.last is not None:
            return arrivals.season(self.per_second, self.seconds, self.first, self.last)
        if self.shape == "day":
            return arrivals.office_day(self.per_second, self.seconds)
        return arrivals.constant(self.per_second, self.seconds)


@dataclass(frozen=True, config=STRICT)
class Packets:
    """Packet sizes in bytes: lognormal by median and 95th percentile, cut, times `scale`."""

    median_bytes: Annotated[float, Field(gt=0)] = 600_000
    p95_bytes: Annotated[float, Field(gt=0)] = 1_200_000
    max_bytes: Annotated[float, Field(gt=0)] = 5_000_000
    scale: Annotated[float, Field(gt=0, le=1)] = 1.0

    def sizes(self) -> PacketSizes:
        """The same, ready to draw from."""
        return PacketSizes(self.median_bytes, self.p95_bytes, self.max_bytes, self.scale)


@dataclass(frozen=True, config=STRICT)
class Stations:
    """The desks: how many per kecamatan, and how they ask.

    `asynchronous_share` of the enrollments ask for a receipt at once (`Prefer: respond-async`);
    `ordered_share` of them belong to a recording and its correction, which must keep their order.
    `uplink_bits_per_second` is each desk's line, on which its packets go one after the other;
    `habit` is what desks do at the gateway.
    """

    per_kecamatan: Annotated[int, Field(ge=1, le=250)] = 2
    asynchronous_share: Share = 0.2
    ordered_share: Share = 0.1
    uplink_bits_per_second: Annotated[float, Field(gt=0)] | None = None
    habit: Literal["careful", "impatient"] = "careful"


@dataclass(frozen=True, config=STRICT)
class Burst:
    """What one kecamatan had to keep back, and sends at once when its line is up again.

    `count` enrollments of the desks of `kecamatan` (two digits), all due at `at_seconds`, or evenly
    over `over_seconds` from then on: no generator sends a crowd in one instant.
    """

    kecamatan: str
    count: Annotated[int, Field(ge=1)]
    at_seconds: Annotated[float, Field(ge=0)]
    over_seconds: Annotated[float, Field(ge=0)] = 0.0

    @field_validator("kecamatan")
    @classmethod
    def _is_there(cls, code: str) -> str:
        if code not in KECAMATAN:
            raise ValueError(f"there is no kecamatan {code}; take one of {', '.join(KECAMATAN)}")
        return code


@dataclass(frozen=True, config=STRICT)
class Kill:
    """The gateway's process is killed (-9) at `at_seconds`, and started `down_seconds` later."""

    at_seconds: Annotated[float, Field(ge=0)]
    down_seconds: Annotated[float, Field(ge=0)] = 2.0


@dataclass(frozen=True, config=STRICT)
class Flood(arrivals.Flood):
    """One station that sends so many times what each other does, from so many seconds on."""

    station: str
    times: Annotated[float, Field(gt=1)]
    from_seconds: Annotated[float, Field(ge=0)] = 0.0
