"""A line per fact, nothing in it that must not be seen, and never two lines out of one."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from logging import DEBUG, INFO, WARNING
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gateway
from gateway.core import facts
from gateway.core.enrollment import Answer
from gateway.core.facts import RequestOutcome, UpstreamState
from gateway.core.lifecycle import Status
from gateway.core.outcome import Outcome
from gateway.observe.logs import Logs, configure_logging, level_of
from gateway.observe.redaction import FIELDS, LONGEST, clean_value, redact

NIK = "3603011212900000"
RECEIPT = "0197a000-0000-7000-8000-000000000000"
SECRET = "Bearer rahasia"

LEVELS: list[tuple[facts.Fact, int]] = [
    (facts.EnrollmentAccepted(RECEIPT, "desk", 9, Status.PENDING, 0.002), DEBUG),
    (facts.DuplicateAbsorbed(RECEIPT), DEBUG),
    (facts.RequestFinished("POST", RequestOutcome.ACCEPTED, 202, 0.2, "desk"), DEBUG),
    (facts.RequestFinished("POST", RequestOutcome.REFUSED, 503, 0.2, "desk", "x"), INFO),
    (facts.JournalCommitted(3, 0.001), DEBUG),
    (facts.AttemptStarted(RECEIPT, 1), DEBUG),
    (facts.AttemptFinished(RECEIPT, 1, Outcome.DELIVERED, "http-201", 0.1), DEBUG),
    (facts.AttemptFinished(RECEIPT, 1, Outcome.IN_DOUBT, "timeout", 30.0), INFO),
    (facts.EnrollmentSettled(RECEIPT, Status.DELIVERED, "http-201"), DEBUG),
    (facts.EnrollmentSettled(RECEIPT, Status.PENDING, "http-503", None, 9.0), DEBUG),
    (facts.EnrollmentSettled(RECEIPT, Status.REJECTED, "http-422"), INFO),
    (facts.EnrollmentSettled(RECEIPT, Status.DEAD_LETTER, "too-old"), WARNING),
    (facts.DoubtResolved(RECEIPT, "lookup"), INFO),
    (facts.WindowChanged(2, 4, "linear"), INFO),
    (facts.UpstreamStateChanged(UpstreamState.OPEN, UpstreamState.SLOW_START, "canary"), INFO),
    (facts.UpstreamStateChanged(UpstreamState.STEADY, UpstreamState.OPEN, "trip"), WARNING),
    (facts.UpstreamStateChanged(UpstreamState.STEADY, UpstreamState.PAUSED, "tls"), WARNING),
    (facts.CliffLearned(80), INFO),
    (facts.JournalRecovered(0), INFO),
    (facts.JournalRecovered(3), WARNING),
    (facts.OperatorActed(1, "abcp" * 16, "siti (127.0.0.1)", "pause", "upstream"), INFO),
    (facts.TurnChanged(mine=True, epoch=7, holder="desk/0a1b2c3d"), INFO),
]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("aiohttp.access").disabled = False
    structlog.reset_defaults()


def listen(level: str = "debug") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(level, "json", stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_kind_of_fact_has_a_level() -> None:
    assert {type(fact) for fact, _ in LEVELS} == set(get_args(facts.Fact))


@pytest.mark.parametrize(("fact", "level"), LEVELS)
def test_each_fact_is_one_line_at_its_level_with_all_its_fields(
    fact: facts.Fact, level: int
) -> None:
    stream = listen()
    Logs().on_fact(fact)
    (line,) = lines(stream)
    assert level_of(fact) == level
    assert line["level"] == logging.getLevelName(level).lower()
    assert line["event"].replace("_", "") == type(fact).__name__.lower()
    assert "dropped" not in line


@pytest.mark.parametrize(("fact", "level"), LEVELS)
def test_a_fact_below_the_level_asked_for_is_silent(fact: facts.Fact, level: int) -> None:
    stream = listen("info")
    Logs().on_fact(fact)
    assert bool(stream.getvalue()) is (level >= INFO)


@pytest.mark.parametrize(("fact", "level"), LEVELS)
def test_whoever_tells_the_kinds_alone_misses_no_line(fact: facts.Fact, level: int) -> None:
    listen("info")
    assert level < INFO or type(fact) in Logs().kinds()
    listen("debug")
    assert type(fact) in Logs().kinds()


def test_a_line_has_the_names_and_units_of_an_operator() -> None:
    stream = listen()
    Logs().on_fact(facts.EnrollmentAccepted(RECEIPT, "desk-3603", 612, Status.PENDING, 0.00212345))
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "debug",
        "event": "enrollment_accepted",
        "logger": "gateway",
        "id": RECEIPT,
        "station": "desk-3603",
        "size_bytes": 612,
        "status": "pending",
        "seconds": 0.002123,
    }


def test_the_servers_answer_is_no_field_of_a_line() -> None:
    stream = listen()
    answer = Answer(201, (("Set-Cookie", SECRET),), b"biodata")
    Logs().on_fact(facts.EnrollmentSettled(RECEIPT, Status.DELIVERED, "http-201", answer))
    assert SECRET not in stream.getvalue()
    assert "biodata" not in stream.getvalue()


def test_no_room_writes_a_field_that_would_be_dropped() -> None:
    root = Path(gateway.__file__).parent
    calls = [
        (file.relative_to(root), node.lineno, keyword.arg)
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
        and "log" in ast.unparse(node.func.value)
        for keyword in node.keywords
    ]
    assert calls
    assert [call for call in calls if call[2] not in FIELDS | {"exc_info"}] == []


def test_unknown_fields_are_dropped_and_named() -> None:
    stream = listen()
    structlog.get_logger("gateway.intake").warning("odd", body=SECRET, station="desk")
    (line,) = lines(stream)
    assert SECRET not in stream.getvalue()
    assert line["dropped"] == "body"
    assert line["station"] == "desk"


@pytest.mark.fault(
    36,
    did="numbers and line ends in every part of a line",
    sees="masked and escaped",
    stand_in="the log's own pipeline",
)
def test_numbers_are_masked_in_names_values_events_and_line_ends_escaped() -> None:
    stream = listen()
    log = structlog.get_logger("gateway")
    event = f"seen {NIK}"
    log.info(event, reason=f"a\r\n{NIK}", count=int(NIK), error=OSError(2, NIK))
    assert len(stream.getvalue().splitlines()) == 1
    assert NIK not in stream.getvalue()
    assert lines(stream)[0]["reason"] == r"a\r\n[16 digits]"


def fail_with_locals(error: BaseException) -> None:
    rahasia = SECRET
    assert rahasia
    raise error


class OwnFault(Exception):
    """An error of the gateway's own."""

    __module__ = "gateway.journal"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError(SECRET), "ValueError: (text not shown)"),
        (UnicodeDecodeError("ascii", SECRET.encode(), 0, 1, SECRET), "(text not shown)"),
        (ExceptionGroup("group", [KeyError(SECRET)]), "KeyError: (text not shown)"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (OwnFault("the journal is full"), "gateway.journal.OwnFault: the journal is full"),
    ],
)
@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.fault(
    36,
    did="an exception that quotes a body",
    sees="its text is not shown",
    stand_in="the log's own pipeline",
)
def test_an_exception_shows_where_it_arose_and_no_locals_or_foreign_texts(
    error: Exception, shown: str, style: Literal["json", "console"]
) -> None:
    stream = io.StringIO()
    configure_logging("info", style, stream=stream)
    with pytest.raises(type(error)) as caught:
        fail_with_locals(error)
    structlog.get_logger("gateway").error("failed", exc_info=caught.value)
    text = stream.getvalue()
    assert SECRET not in text
    assert "fail_with_locals" in text
    assert shown in text


def test_a_cause_is_told() -> None:
    stream = listen()
    try:
        try:
            fail_with_locals(OSError(5, "I/O error"))
        except OSError as cause:
            raise OwnFault("commit failed") from cause
    except OwnFault:
        logging.getLogger("gateway").exception("failed %s", "here")
    (line,) = lines(stream)
    assert line["event"] == "failed here"
    assert line["exception"].index("caused by:") > 0
    assert line["exception"][-1] == "OSError: [Errno 5] I/O error"


def test_a_context_that_is_hidden_stays_hidden() -> None:
    stream = listen()
    with pytest.raises(OwnFault) as caught:
        fail_with_locals(OwnFault("commit failed"))
    caught.value.__context__ = OSError(5, "I/O error")
    caught.value.__suppress_context__ = True
    structlog.get_logger("gateway").error("failed", exc_info=caught.value)
    assert "I/O error" not in stream.getvalue()


def test_other_libraries_lines_come_without_what_they_quote() -> None:
    stream = listen()
    logging.getLogger("aiohttp.server").error("Error handling request from %s", SECRET)
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: %s", SECRET)
    logging.getLogger("aiohttp.access").critical("GET /penduduk")
    assert SECRET not in stream.getvalue()
    assert [(line["logger"], line["event"]) for line in lines(stream)] == [
        ("aiohttp.server", "Error handling request from %s"),
        ("asyncio", "Task exception was never retrieved"),
    ]


def test_on_a_console_no_text_can_pass_for_a_line_of_its_own() -> None:
    stream = io.StringIO()
    configure_logging("info", "console", stream=stream)
    try:
        fail_with_locals(OSError("a\n2026-11-24T01:02:03.456Z [warning  ] forged"))
    except OSError:
        structlog.get_logger("gateway").exception("failed", reason="b\nforged")
    first, *rest = stream.getvalue().splitlines()
    assert "failed" in first
    assert rest
    assert all(line.startswith("    | ") for line in rest)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(), st.text() | st.integers()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_redacted_line_is_short_known_and_on_one_line(line: dict[str, object]) -> None:
    clean = redact(line)
    assert set(clean) <= FIELDS
    for value in clean.values():
        assert len(str(value).splitlines()) <= 1
        assert len(str(value)) <= LONGEST + 1


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (0.1 + 0.2, 0.3),
        (1_764_000_000.123456789, "[16 digits]"),
        (int(NIK), "[16 digits]"),
        (b"biodata", "7 bytes"),
        (ValueError(SECRET), "ValueError: (text not shown)"),
        (UpstreamState.OPEN, "open"),
        ("x" * 2000, "x" * 1000 + "…"),
        ("x" * 990 + NIK, "x" * 990 + "[16 digits"[:10] + "…"),
    ],
)
def test_a_value_is_made_fit_to_be_seen(value: object, clean: object) -> None:
    assert clean_value(value) == clean
