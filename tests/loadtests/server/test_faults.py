"""A fault script says what is wrong when; a misspelt one says what is wrong with it."""

import pytest

from loadtests.server.faults import (
    Conditions,
    Errors,
    Fault,
    FaultScriptError,
    LostAnswers,
    RetryAfter,
    Script,
    Slow,
    Stop,
    Workers,
    parse,
    parse_text,
)
from loadtests.server.model import Mode


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "crash at_seconds=30 duration_seconds=60",
            Stop(kind="crash", at_seconds=30, duration_seconds=60),
        ),
        ("503 duration_seconds=1.5", Stop(kind="503", duration_seconds=1.5)),
        ("slow factor=4", Slow(kind="slow", factor=4)),
        ("capacity factor=0.5 at_seconds=9", Workers(kind="capacity", factor=0.5, at_seconds=9)),
        (
            "errors status=429 probability=0.5",
            Errors(kind="errors", status=429, probability=0.5),
        ),
        ("lose_answers probability=0.1", LostAnswers(kind="lose_answers", probability=0.1)),
        ("half_answer", LostAnswers(kind="half_answer")),
        ("retry_after seconds=1000000000", RetryAfter(kind="retry_after", seconds="1000000000")),
        ("retry_after seconds=soon", RetryAfter(kind="retry_after", seconds="soon")),
    ],
)
def test_a_fault_is_read_from_its_text(text: str, fault: Fault) -> None:
    assert parse_text(text) == fault


def test_the_same_fault_is_read_from_data() -> None:
    data = [{"kind": "retry_after", "seconds": 30, "duration_seconds": 5}]
    assert parse(data) == (RetryAfter(kind="retry_after", seconds="30", duration_seconds=5),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hagn duration_seconds=1", "fault 1: .*'hagn'.*'crash', 'hang'"),
        ("hang duration_second=1", "fault 1: hang.duration_second: "),
        ("hang", "fault 1: hang.duration_seconds: Field required"),
        ("hang duration_seconds=-1", "hang.duration_seconds: .*greater than 0"),
        ("hang duration_seconds=inf", "hang.duration_seconds: .*finite"),
        ("errors status=200", "errors.status: .*400"),
        ("lose_answers probability=2", "lose_answers.probability: .*less than or equal to 1"),
        ("slow factor=0", "slow.factor: "),
        ("slow 4", "'4' in the fault 'slow 4' must be name=value"),
        ("", "fault 1: "),
    ],
)
def test_a_misspelt_fault_is_named_with_its_place(text: str, says: str) -> None:
    with pytest.raises(FaultScriptError, match=says):
        parse_text(text)


def test_every_wrong_place_of_a_script_is_named() -> None:
    with pytest.raises(FaultScriptError, match=r"fault 1: .*; fault 3: "):
        parse([{"kind": "x"}, {"kind": "slow", "factor": 1}, {"factor": 1}])


def test_a_script_must_be_a_list() -> None:
    with pytest.raises(FaultScriptError, match=r"faults: .*list"):
        parse({"kind": "slow"})


@pytest.mark.parametrize(
    ("kind", "mode", "drops"),
    [
        ("crash", Mode.REFUSE, True),
        ("hang", Mode.HANG, True),
        ("refuse", Mode.REFUSE, False),
        ("503", Mode.UNAVAILABLE, False),
        ("reset", Mode.RESET, False),
    ],
)
def test_only_a_crash_and_a_hang_drop_what_is_in_hand(kind: str, mode: Mode, drops: bool) -> None:  # noqa: FBT001 - a table's column
    stop = parse_text(f"{kind} duration_seconds=1")
    assert isinstance(stop, Stop)
    assert (stop.mode, stop.drops) == (mode, drops)


def test_faults_are_in_force_from_their_time_for_their_duration() -> None:
    script = Script()
    script.add([parse_text("slow factor=4 at_seconds=10 duration_seconds=5")], now=100)
    told = []
    while (at := script.next_change()) is not None:
        script.advance(at)
        told.append((at, script.conditions.service_factor))
    assert told == [(110, 4), (115, 1)]


def test_a_fault_without_a_duration_stays() -> None:
    script = Script()
    script.add([parse_text("capacity factor=0.5")], now=0)
    script.advance(0)
    assert script.conditions.workers_factor == 0.5
    assert script.next_change() is None


def test_where_faults_overlap_factors_multiply_and_the_last_retry_after_holds() -> None:
    script = Script()
    texts = ("slow factor=4", "slow factor=3", "capacity factor=0.5", "capacity factor=0.5",
             "retry_after seconds=5", "retry_after seconds=7", "errors status=500",
             "lose_answers")  # fmt: skip
    script.add([parse_text(text) for text in texts], now=0)
    script.advance(0)
    assert script.conditions == Conditions(
        workers_factor=0.25,
        service_factor=12,
        errors=(Errors(kind="errors", status=500),),
        lost_answers=(LostAnswers(kind="lose_answers"),),
        retry_after="7",
    )


def test_a_stop_is_told_once_when_it_begins() -> None:
    script = Script()
    stop = parse_text("hang at_seconds=5 duration_seconds=60")
    script.add([stop], now=0)
    assert script.advance(4.9) == []
    assert script.advance(5) == [stop]
    assert script.next_change() is None
