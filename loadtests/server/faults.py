"""Scripted faults of the simulated server: what goes wrong when, for how long, how often.

Pure: data in, conditions out. Must not know HTTP, the queue, or what a fault does to them.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import prod
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from loadtests.server.model import Mode

Probability = Annotated[float, Field(ge=0, le=1)]


class _Timed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    at_seconds: float = Field(default=0, ge=0, allow_inf_nan=False)
    """After the start of the server, or after the moment when the fault was added."""
    duration_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """None: until the end."""


class Stop(_Timed):
    """The server is down. A crash and a hang drop what is in hand; the others finish it."""

    kind: Literal["crash", "hang", "refuse", "503", "reset"]
    duration_seconds: float = Field(gt=0, allow_inf_nan=False)

    @property
    def mode(self) -> Mode:
        """What becomes of who comes meanwhile: after a crash nobody listens."""
        return Mode.REFUSE if self.kind == "crash" else Mode(self.kind)

    @property
    def drops(self) -> bool:
        """Whether what is in hand is lost."""
        return self.kind in ("crash", "hang")


class Slow(_Timed):
    """What begins meanwhile takes `factor` times as long."""

    kind: Literal["slow"]
    factor: float = Field(gt=0, allow_inf_nan=False)


class Workers(_Timed):
    """`factor` times as many workers: 0.5 halves the capacity, 2 doubles it."""

    kind: Literal["capacity"]
    factor: float = Field(gt=0, allow_inf_nan=False)


class Errors(_Timed):
    """A request is answered at once with `status`, and not recorded."""

    kind: Literal["errors"]
    status: int = Field(ge=400, le=599)
    probability: Probability = 1


class LostAnswers(_Timed):
    """Recorded; then the connection is reset before the answer, or ends after half of it."""

    kind: Literal["lose_answers", "half_answer"]
    probability: Probability = 1


class RetryAfter(_Timed):
    """Every 429 and 503 carries this `Retry-After`: seconds, or whatever a server may say."""

    kind: Literal["retry_after"]
    seconds: str


Fault = Stop | Slow | Workers | Errors | LostAnswers | RetryAfter
_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Annotated[Fault, Field(discriminator="kind")]])


class FaultScriptError(ValueError):
    """The script says something that no fault is; the text names every place."""


def parse(data: object) -> tuple[Fault, ...]:
    """Read faults from plain data: a list of tables, each with a `kind`.

    Raises:
        FaultScriptError: an unknown kind or field, or a value out of its range.
    """
    try:
        return tuple(_FAULTS.validate_python(data))
    except ValidationError as wrong:
        lines = (_explain(error["loc"], error["msg"]) for error in wrong.errors())
        raise FaultScriptError("; ".join(lines)) from None


def parse_text(text: str) -> Fault:
    """Read one fault as typed on a command line: `hang at_seconds=30 duration_seconds=60`.

    Raises:
        FaultScriptError: as `parse`, or a word that is not `name=value`.
    """
    kind, *words = text.split() or [""]
    table = {"kind": kind}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise FaultScriptError(f"{word!r} in the fault {text!r} must be name=value")
        table[name] = value
    return parse([table])[0]


def _explain(place: Sequence[int | str], message: str) -> str:
    if not place:
        return f"faults: {message}"
    where = f"fault {int(place[0]) + 1}"
    names = ".".join(str(part) for part in place[1:])
    return f"{where}: {names}: {message}" if names else f"{where}: {message}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is wrong at one moment; where faults overlap, factors multiply."""

    workers_factor: float = 1.0
    service_factor: float = 1.0
    errors: tuple[Errors, ...] = ()
    lost_answers: tuple[LostAnswers, ...] = ()
    retry_after: str | None = None


def _conditions(active: Iterable[Fault]) -> Conditions:
    faults = tuple(active)
    return Conditions(
        workers_factor=prod(f.factor for f in faults if isinstance(f, Workers)),
        service_factor=prod(f.factor for f in faults if isinstance(f, Slow)),
        errors=tuple(f for f in faults if isinstance(f, Errors)),
        lost_answers=tuple(f for f in faults if isinstance(f, LostAnswers)),
        retry_after=next((f.seconds for f in reversed(faults) if isinstance(f, RetryAfter)), None),
    )


@dataclass(slots=True)
class Script:
    """The faults to come and in force, moved on by `now`."""

    conditions: Conditions = field(default_factory=Conditions)
    _changes: list[tuple[float, int, Fault, bool]] = field(default_factory=list)
    _active: list[Fault] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def add(self, faults: Iterable[Fault], *, now: float) -> None:
        """Add faults, their `at_seconds` counted from `now`."""
        for fault in faults:
            begin = now + fault.at_seconds
            heapq.heappush(self._changes, (begin, next(self._order), fault, True))
            if fault.duration_seconds is not None and not isinstance(fault, Stop):
                end = begin + fault.duration_seconds
                heapq.heappush(self._changes, (end, next(self._order), fault, False))

    def next_change(self) -> float | None:
        """When the next fault begins or ends."""
        return self._changes[0][0] if self._changes else None

    def advance(self, now: float) -> list[Stop]:
        """Make `conditions` those of `now`; tell the stops that began."""
        began: list[Stop] = []
        while self._changes and self._changes[0][0] <= now:
            _, _, fault, begins = heapq.heappop(self._changes)
            if isinstance(fault, Stop):
                began.append(fault)
            elif begins:
                self._active.append(fault)
            else:
                self._active.remove(fault)
        self.conditions = _conditions(self._active)
        return began
