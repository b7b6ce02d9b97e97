"""The two logs of a run as record types: what stations sent, what the server recorded.

Knows nothing of HTTP, of the gateway, or of what the records mean: `loadtests.verdict` judges them.

One JSON object per line, one line per event. Every time (`at`, `due`, ...) is wall-clock seconds
since the epoch. A line is written by one system call, so that several processes may append to one
file and a kill can tear only the last line.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from loadtests.lines import Lines, OnUnreadable, refuse

Answer = Literal["delivered", "accepted", "rejected", "refused", "failed", "pending", "dead_letter"]
"""What a station knows of its enrollment after an answer.

`accepted` is the promise (202); `delivered`, `rejected` and `dead_letter` are final; `pending` is a
promise that still stands; `refused` (429, 503) and `failed` (no usable answer) promise nothing.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """First line of `sent.jsonl`, once per generating process: what was asked for.

    `clock_offset` is the largest distance of a generating host's clock from the master's, in
    seconds; `None` if one did not tell its time.
    """

    scenario: Mapping[str, object]
    seed: int
    scale: float
    via: str
    started_at: float
    time_origin: float
    clock_offset: float | None = 0.0


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
    """What the gateway said of itself (`gateway.jsonl`): for pictures, never for the verdict.

    `resident_bytes` is its memory as the system counts it; `None` where the run did not start it.
    """

    at: float
    state: str
    window: float
    outstanding: int
    pending: int
    resident_bytes: int | None = None


SentEvent = Run | Sent | Told | Dropped | End
LedgerEvent = Server | Recorded | State | Sample
Event = SentEvent | LedgerEvent | GatewaySample

_SENT: Lines[SentEvent] = Lines(
    {"run": Run, "sent": Sent, "told": Told, "dropped": Dropped, "end": End}
)
_LEDGER: Lines[LedgerEvent] = Lines(
    {"server": Server, "recorded": Recorded, "state": State, "sample": Sample}
)
_GATEWAY: Lines[GatewaySample] = Lines({None: GatewaySample})
_ALL: Lines[Event] = Lines({**_SENT.kinds, **_LEDGER.kinds, **_GATEWAY.kinds})


def to_line(record: Event) -> bytes:
    """One JSON line with its end."""
    return _ALL.to_line(record)


def read_sent(path: Path, on_unreadable: OnUnreadable = refuse) -> Iterator[SentEvent]:
    """Stream `sent.jsonl`; an unreadable line raises, or goes to `on_unreadable` and is skipped."""
    return _SENT.read(path, on_unreadable)


def read_ledger(path: Path, on_unreadable: OnUnreadable = refuse) -> Iterator[LedgerEvent]:
    """Stream `ledger.jsonl`, as `read_sent`."""
    return _LEDGER.read(path, on_unreadable)


def read_gateway(path: Path, on_unreadable: OnUnreadable = refuse) -> Iterator[GatewaySample]:
    """Stream `gateway.jsonl`, as `read_sent`."""
    return _GATEWAY.read(path, on_unreadable)


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
