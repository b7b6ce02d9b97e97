"""Work that is the same on every machine: functions called, and instructions of Python run."""

import sys
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from _typeshed import TraceFunction


@dataclass(frozen=True, slots=True)
class Work:
    """Functions called, those written in C among them, and instructions run, each time."""

    calls: float
    instructions: float

    def __sub__(self, other: "Work") -> "Work":
        return Work(self.calls - other.calls, self.instructions - other.instructions)


class Counted:
    """What this thread does within the block."""

    def __init__(self) -> None:
        self._calls = 0
        self._instructions = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._profile)
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        sys.setprofile(None)

    def each(self, times: int) -> Work:
        return Work(self._calls / times, self._instructions / times)

    def _profile(self, _frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            self._calls += 1

    def _trace(self, frame: FrameType, event: str, _argument: object) -> "TraceFunction":
        if event == "opcode":
            self._instructions += 1
        elif event == "call":
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return self._trace
