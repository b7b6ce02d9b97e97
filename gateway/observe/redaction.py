"""What may stand in a log line: known fields, masked, on one line. Nothing else gets through.

Must not know what is logged or where lines go.

Theory: a list of what is forbidden is always one short, so this is a list of what is allowed.
The same holds for texts that we did not write: an exception of a parser may quote the header it
choked on, so the texts of foreign exceptions and loggers are not shown, only where they arose.
"""

import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, Final

from gateway.core.masking import MASK, mask, one_line

FIELDS: Final = frozenset(
    {
        # set by the machinery
        *("timestamp", "level", "logger", "event", "exception", "dropped"),
        # facts
        *("id", "station", "size_bytes", "status", "attempt", "outcome", "cause", "seconds"),
        *("method", "problem", "records", "reason", "next_attempt_at", "by", "before", "after"),
        *("from_state", "to_state", "at", "in_doubt", "seq", "link", "actor", "action", "subject"),
        *("mine", "epoch", "holder", "trace_id"),
        # a process's life
        *("address", "count", "error", "version", "where"),
    }
)
LONGEST: Final = 1000
_OPEN_MODULES: Final = frozenset({"gateway", "apsw"})
_WITHHELD: Final = "(text not shown)"

Line = MutableMapping[str, Any]


def redact(line: Line) -> Line:
    """The same line with only known fields, every value clean; names what was left out."""
    clean = {name: clean_value(value) for name, value in line.items() if name in FIELDS}
    dropped = line.keys() - FIELDS
    if dropped:
        clean["dropped"] = clean_value(", ".join(sorted(dropped)))
    return clean


def clean_value(value: object) -> object:
    """A value that may be seen: no 16-digit number, no control character, not endless."""
    match value:
        case None | bool():
            return value
        case int() | float():
            number = round(value, 6)
            return number if mask(str(number)) == str(number) else MASK
        case bytes():
            return f"{len(value)} bytes"
        case BaseException():
            return clean_text(f"{_name(value)}: {_text(value)}")
        case _:
            return clean_text(str(value))


def clean_text(text: str) -> str:
    """``text`` masked, on one line, cut to ``LONGEST`` characters."""
    # Masked before it is cut: a cut may leave a number's first digits.
    line = one_line(mask(text))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def exception_lines(error: BaseException) -> Iterator[str]:
    """A traceback with neither locals nor foreign texts, newest first, each line clean."""
    for entry in traceback.extract_tb(error.__traceback__):
        yield clean_text(f"at {entry.filename}:{entry.lineno} in {entry.name}: {entry.line or ''}")
    yield clean_text(f"{_name(error)}: {_text(error)}")
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield "member:"
            yield from exception_lines(member)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield "caused by:"
        yield from exception_lines(before)


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _text(error: BaseException) -> str:
    ours = type(error).__module__.partition(".")[0] in _OPEN_MODULES
    return str(error) if ours or isinstance(error, OSError) else _WITHHELD
