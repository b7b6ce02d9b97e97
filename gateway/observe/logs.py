"""Logs: one line per fact, JSON for machines or text for a terminal, the rest of Python's too.

Must not know the rooms that log. What may stand in a line is decided in ``redaction``.
"""

import dataclasses
import functools
import logging
import sys
from logging import DEBUG, INFO, WARNING
from typing import Any, Final, Literal, TextIO, assert_never, get_args

import structlog

from gateway.core import facts
from gateway.core.lifecycle import Status
from gateway.core.moments import iso
from gateway.core.outcome import Outcome
from gateway.observe.redaction import Line, exception_lines, redact

OURS: Final = "gateway"
_RENAMED: Final = {"size": "size_bytes", "duration": "seconds"}
_INDENT: Final = "    | "


class Logs:
    """Writes a line for each fact, at a level that says whom it concerns.

    Debug: the daily work. Info: a refusal, a failed attempt, a change of course. Warning: the
    server is not reached, or a person must act.
    """

    def __init__(self) -> None:
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(OURS)
        self._is_asked_for = logging.getLogger(OURS).isEnabledFor

    def kinds(self) -> tuple[type[facts.Fact], ...]:
        """The kinds of facts of which a line may be written, at the level that is set now."""
        asked = self._is_asked_for(DEBUG)
        return tuple(kind for kind in get_args(facts.Fact) if asked or kind not in _DAILY)

    def on_fact(self, fact: facts.Fact) -> None:
        """Write one line, if its level is asked for."""
        level = level_of(fact)
        if self._is_asked_for(level):
            self._log.log(level, _event(type(fact).__name__), **_fields(fact))


def level_of(fact: facts.Fact) -> int:
    """How loud a fact is: one of Python's logging levels."""
    match fact:  # the most frequent first: each is compared with the kinds above it
        case facts.AttemptFinished():
            level = DEBUG if fact.outcome is Outcome.DELIVERED else INFO
        case facts.EnrollmentSettled():
            level = _SETTLED.get(fact.status, DEBUG)
        case facts.RequestFinished():
            level = INFO if fact.outcome is facts.RequestOutcome.REFUSED else DEBUG
        case (
            facts.EnrollmentAccepted()
            | facts.JournalCommitted()
            | facts.AttemptStarted()
            | facts.DuplicateAbsorbed()
        ):
            level = DEBUG
        case facts.UpstreamStateChanged():
            level = WARNING if fact.to_state in _NOT_REACHED else INFO
        case facts.JournalRecovered():
            level = WARNING if fact.in_doubt else INFO
        case (
            facts.WindowChanged()
            | facts.CliffLearned()
            | facts.DoubtResolved()
            | facts.OperatorActed()
            | facts.TurnChanged()
        ):
            level = INFO
        case _:
            assert_never(fact)
    return level


# Never louder than debug: as ``level_of`` says.
_DAILY: Final = frozenset(
    {
        facts.EnrollmentAccepted,
        facts.JournalCommitted,
        facts.AttemptStarted,
        facts.DuplicateAbsorbed,
    }
)
_NOT_REACHED: Final = frozenset({facts.UpstreamState.OPEN, facts.UpstreamState.PAUSED})
_SETTLED: Final = {
    Status.DEAD_LETTER: WARNING,
    Status.REJECTED: INFO,
    Status.IN_DOUBT: INFO,
    Status.CANCELLED: INFO,
}


@functools.cache
def _event(name: str) -> str:
    """``EnrollmentAccepted`` -> ``enrollment_accepted``."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")


def _fields(fact: facts.Fact) -> dict[str, object]:
    found: dict[str, object] = {}
    for field in dataclasses.fields(fact):
        value = getattr(fact, field.name)
        if value is None or field.name == "answer":
            continue
        if field.name == "next_attempt_at":
            value = iso(value)
        found[_RENAMED.get(field.name, field.name)] = value
    return found


def configure_logging(
    level: str, style: Literal["json", "console"], *, stream: TextIO = sys.stderr
) -> None:
    """Take over every line of this process: ours, aiohttp's, asyncio's.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        style: ``json``: one object a line; ``console``: for people, coloured on a terminal.
        stream: where lines go.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_foreign],
            processors=[
                _describe,
                _only_clean,
                *(_json() if style == "json" else _console(colors=stream.isatty())),
            ],
            use_get_message=False,
            pass_foreign_args=True,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # One line per request is ours to write, masked: RequestFinished.
    logging.getLogger("aiohttp.access").disabled = True
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _foreign(_logger: object, _name: str, line: Line) -> Line:
    """A line not written through structlog: ours whole, another's without its arguments.

    An argument may quote a peer, and asyncio writes an exception's text below its first line.
    """
    arguments = line.pop("positional_args", ())
    record: logging.LogRecord = line["_record"]
    if record.name.partition(".")[0] == OURS:
        line["event"] = line["event"] % arguments if arguments else line["event"]
    else:
        line["event"] = line["event"].partition("\n")[0]
    return line


def _describe(_logger: object, _name: str, line: Line) -> Line:
    """What every line says first, and an exception without locals."""
    record: logging.LogRecord = line.pop("_record")
    del line["_from_structlog"]
    described: Line = {
        "timestamp": iso(record.created),
        "level": record.levelname.lower(),
        "event": line.pop("event"),
        "logger": record.name,
    }
    error = _error(line.pop("exc_info", None))
    described.update(line)
    if error is not None:
        described["exc_info"] = error
    return described


def _error(exc_info: Any) -> BaseException | None:  # noqa: ANN401 - logging takes four shapes
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def _only_clean(_logger: object, _name: str, line: Line) -> Line:
    error: BaseException | None = line.pop("exc_info", None)
    clean = redact(line)
    if error is not None:
        clean["exception"] = list(exception_lines(error))
    return clean


def _json() -> list[structlog.typing.Processor]:
    return [structlog.processors.JSONRenderer()]


def _console(*, colors: bool) -> list[structlog.typing.Processor]:
    return [_indent, structlog.dev.ConsoleRenderer(colors=colors)]


def _indent(_logger: object, _name: str, line: Line) -> Line:
    """An exception below its line, indented so that no text in it can pass for a line."""
    if "exception" in line:
        line["exception"] = "\n".join(_INDENT + text for text in line["exception"])
    return line
