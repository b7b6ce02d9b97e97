"""The two logs of a run as record types: what stations sent, what the server recorded.

Knows nothing of HTTP, of the gateway, or of what the records mean: `loadtests.verdict` judges them.

One JSON object per line, one line per event. Every time (`at`, `due`, ...) is wall-clock seconds
since the epoch. A line is written by one system call, so that several processes may append to one
file and a kill can tear only the last line.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import TracebackType, UnionType
from typing import (
    Any,
    Literal,
    NamedTuple,
    Self,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

Answer = Literal["delivered", "accepted", "rejected", "refused", "failed", "pending", "dead_letter"]
"""What a station knows of its enrollment after an answer.

`accepted` is the promise (202); `delivered`, `rejected` and `dead_letter` are final; `pending` is a
promise that still stands; `refused` (429, 503) and `failed` (no usable answer) promise nothing.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """First line of `sent.jsonl`, once per generating process: what was asked for."""

    scenario: Mapping[str, object]
    seed: int
    scale: float
    via: str
    started_at: float
    time_origin: float


@dataclass(frozen=True, slots=True)
class Sent:
    """One try of a station. `due` is when the citizen came: it stays through every attempt."""

    key: str
    station: str
    ordering_key: str | None
    priority: int
    sha256: str
    bytes: int
    due: float
    at: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Told:
    """One answer, or one receipt poll that changed what the station knows. Status 0: no answer."""

    key: str
    at: float
    attempt: int
    status: int
    told: Answer
    receipt: str | None = None
    replayed: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """An arrival that the generator could not send: the run proves nothing."""

    due: float
    station: str
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """Last line of a generating process: how many enrollments had no final answer."""

    at: float
    undecided: int
    cpu_percent_max: float


@dataclass(frozen=True, slots=True)
class Server:
    """First line of `ledger.jsonl`: the simulated server's parameters."""

    at: float
    workers: int
    service_seconds: float
    cv: float
    collapse_at: int | None
    down_seconds: float
    honours_key: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """One effect. A second effect of the same enrollment is a second record.

    `enrollment` is the synthetic enrollment's own number, whatever key the request carried;
    `attempt` counts how often the server has seen this key; `outstanding` is taken at `at`.
    """

    number: int
    at: float
    received_at: float
    key: str | None
    enrollment: str | None
    sha256: str
    bytes: int
    ordering_key: str | None
    attempt: int
    answered: bool
    outstanding: int


@dataclass(frozen=True, slots=True)
class State:
    """The server went down, began to return, or is up."""

    at: float
    state: Literal["up", "down", "returning"]
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's totals, once per second; `capacity` is per second at that moment."""

    at: float
    received: int
    recorded: int
    refused: int
    outstanding: int
    max_outstanding: int
    capacity: float


@dataclass(frozen=True, slots=True)
class GatewaySample:
    """What the gateway said of itself (`gateway.jsonl`): for pictures, never for the verdict."""

    at: float
    state: str
    window: float
    outstanding: int
    pending: int


SentEvent = Run | Sent | Told | Dropped | End
LedgerEvent = Server | Recorded | State | Sample
Event = SentEvent | LedgerEvent | GatewaySample

_SENT: dict[object, type[SentEvent]] = {
    "run": Run,
    "sent": Sent,
    "told": Told,
    "dropped": Dropped,
    "end": End,
}
_LEDGER: dict[object, type[LedgerEvent]] = {
    "server": Server,
    "recorded": Recorded,
    "state": State,
    "sample": Sample,
}
_GATEWAY: dict[object, type[GatewaySample]] = {None: GatewaySample}


_NAMES: dict[type[Event], object] = {
    kind: name for kinds in (_SENT, _LEDGER, _GATEWAY) for name, kind in kinds.items()
}


class _Field(NamedTuple):
    name: str
    types: frozenset[type]
    choices: frozenset[object] | None
    required: bool


def _shape(kind: type[Event]) -> tuple[_Field, ...]:
    """The fields of one record, with the JSON types each may hold."""
    hints = get_type_hints(kind)
    return tuple(
        _Field(field.name, *_allowed(hints[field.name]), required=field.default is MISSING)
        for field in fields(kind)
    )


def _allowed(hint: object) -> tuple[frozenset[type], frozenset[object] | None]:
    origin = get_origin(hint)
    if origin is Literal:
        return frozenset({str}), frozenset(get_args(hint))
    if origin is Mapping:
        return frozenset({dict}), None
    parts = cast("tuple[type, ...]", get_args(hint) if origin is UnionType else (hint,))
    return frozenset(parts) | ({int} if float in parts else frozenset()), None


_FIELDS: dict[type, tuple[_Field, ...]] = {kind: _shape(kind) for kind in _NAMES}


class UnreadableLineError(ValueError):
    """A line that is no record of this log: where it is and what is wrong with it.

    `torn` is true for a last line without its end: the writer was stopped in the middle.
    """

    def __init__(self, path: Path, line: int, reason: str, *, torn: bool) -> None:
        """Name the place as editors do: `file:line`."""
        super().__init__(f"{path.name}:{line}: {reason}")
        self.line = line
        self.torn = torn


class LogWriter:
    """Appends records to one log; each is with the operating system when `write` returns."""

    def __init__(self, path: Path) -> None:
        """Open `path` for appending; a torn last line is left alone on its line."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def write(self, record: Event) -> None:
        """Append one record by one system call.

        Raises:
            OSError: the line could not be written whole, for example because the disk is full.
        """
        line = to_line(record)
        if os.write(self._file, line) != len(line):
            raise OSError("a log line was cut short: is the disk full?")

    def close(self) -> None:
        """Close the file; more than once is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


def to_line(record: Event) -> bytes:
    """One JSON line with its end, keys in the order of the record's fields."""
    cls = type(record)
    name = _NAMES[cls]
    data: dict[str, object] = {} if name is None else {"event": name}
    for field in _FIELDS[cls]:
        data[field.name] = getattr(record, field.name)
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode() + b"\n"


E = TypeVar("E", bound=Event)
OnUnreadable = Callable[[UnreadableLineError], None]


def _refuse(error: UnreadableLineError) -> None:
    raise error


def read_sent(path: Path, on_unreadable: OnUnreadable = _refuse) -> Iterator[SentEvent]:
    """Stream `sent.jsonl`; an unreadable line raises, or goes to `on_unreadable` and is skipped."""
    return _read(path, _SENT, on_unreadable)


def read_ledger(path: Path, on_unreadable: OnUnreadable = _refuse) -> Iterator[LedgerEvent]:
    """Stream `ledger.jsonl`, as `read_sent`."""
    return _read(path, _LEDGER, on_unreadable)


def read_gateway(path: Path, on_unreadable: OnUnreadable = _refuse) -> Iterator[GatewaySample]:
    """Stream `gateway.jsonl`, as `read_sent`."""
    return _read(path, _GATEWAY, on_unreadable)


def _read(path: Path, kinds: Mapping[object, type[E]], on_unreadable: OnUnreadable) -> Iterator[E]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            torn = not line.endswith(b"\n")
            try:
                record = _parse(line, kinds)
            except (ValueError, RecursionError) as wrong:
                reason = "the last line is torn" if torn else str(wrong)
                on_unreadable(UnreadableLineError(path, number, reason, torn=torn))
            else:
                yield record


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


_decode = json.JSONDecoder(parse_constant=_no_constant).decode


def _parse(line: bytes, kinds: Mapping[object, type[E]]) -> E:
    data = _decode(line.decode())
    if type(data) is not dict:
        raise ValueError("not a JSON object")
    name = data.get("event")
    kind = kinds.get(name) if name is None or type(name) is str else None
    if kind is None:
        raise ValueError(f"unknown event {name!r}, expected one of {sorted(map(str, kinds))}")
    values: dict[str, Any] = {}
    for field in _FIELDS[kind]:
        if field.name in data:
            value = data[field.name]
            if type(value) not in field.types or (field.choices and value not in field.choices):
                raise ValueError(f"{name or 'record'}: {field.name} cannot be {value!r:.40}")
            values[field.name] = value
        elif field.required:
            raise ValueError(f"{name or 'record'}: {field.name} is missing")
    return kind(**values)
