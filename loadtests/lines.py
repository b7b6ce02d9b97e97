"""JSON lines of typed records: checked when read, named when refused.

Knows no record: `loadtests.logs` gives it the dataclasses of each log.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import UnionType
from typing import Any, Generic, Literal, NamedTuple, TypeVar, cast, get_args, get_origin
from typing import get_type_hints as hints_of


class UnreadableLineError(ValueError):
    """A line that is no record of this log: where it is and what is wrong with it.

    `torn` is true for a last line without its end: the writer was stopped in the middle.
    """

    def __init__(self, path: Path, line: int, reason: str, *, torn: bool) -> None:
        """Name the place as editors do: `file:line`."""
        super().__init__(f"{path.name}:{line}: {reason}")
        self.line = line
        self.torn = torn


R_co = TypeVar("R_co", covariant=True)
OnUnreadable = Callable[[UnreadableLineError], None]


def refuse(error: UnreadableLineError) -> None:
    """Raise it: the answer to an unreadable line where nobody asked for another."""
    raise error


class Lines(Generic[R_co]):
    """One log's format: the value of `event` to the dataclass of that record.

    Fields are checked against their types; fields that the dataclass does not have are ignored, so
    that an older reader takes a newer log.
    """

    def __init__(self, kinds: Mapping[str | None, type[R_co]]) -> None:
        """`kinds` with the one key `None` is a log whose records bear no `event`."""
        self.kinds: Mapping[str | None, type[R_co]] = kinds
        self._names = {kind: name for name, kind in kinds.items()}
        self._fields = {kind: _shape(kind) for kind in self._names}

    def to_line(self, record: object) -> bytes:
        """One JSON line with its end, keys in the order of the record's fields."""
        kind = cast("type[R_co]", type(record))
        name = self._names[kind]
        data: dict[str, object] = {} if name is None else {"event": name}
        for field in self._fields[kind]:
            data[field.name] = getattr(record, field.name)
        return json.dumps(data, separators=(",", ":"), allow_nan=False).encode() + b"\n"

    def read(self, path: Path, on_unreadable: OnUnreadable) -> Iterator[R_co]:
        """Stream the records of a file; lines that are none go to `on_unreadable`."""
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                torn = not line.endswith(b"\n")
                try:
                    record = self._parse(line)
                except (ValueError, RecursionError) as wrong:
                    reason = "the last line is torn" if torn else str(wrong)
                    on_unreadable(UnreadableLineError(path, number, reason, torn=torn))
                else:
                    yield record

    def _parse(self, line: bytes) -> R_co:
        text = line.decode()
        data, end = _decode(text)
        if type(data) is not dict or text[end:].strip():
            raise ValueError("not one JSON object")
        name = data.get("event")
        kind = self.kinds.get(name) if name is None or type(name) is str else None
        if kind is None:
            known = ", ".join(map(str, self.kinds))
            raise ValueError(f"unknown event {name!r}, expected one of {known}")
        values: dict[str, Any] = {}
        for field, types, choices, required in self._fields[kind]:
            if field in data:
                value = values[field] = data[field]
                if type(value) not in types or (choices and value not in choices):
                    raise ValueError(f"{name or 'record'}: {field} cannot be {value!r:.40}")
            elif required:
                raise ValueError(f"{name or 'record'}: {field} is missing")
        return kind(**values)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


_decode = json.JSONDecoder(parse_constant=_no_constant).raw_decode


class _Field(NamedTuple):
    name: str
    types: frozenset[type]
    choices: frozenset[object] | None
    required: bool


def _shape(kind: Any) -> tuple[_Field, ...]:  # noqa: ANN401 - any dataclass: typing has no name for it
    """The fields of one record, with the JSON types each may hold."""
    hints = hints_of(kind)
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
