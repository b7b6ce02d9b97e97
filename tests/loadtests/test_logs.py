"""The logs survive a kill, refuse garbage by line, and give back what was written."""

from pathlib import Path

import pytest

from loadtests.lines import UnreadableLineError
from loadtests.logs import (
    Dropped,
    End,
    Event,
    GatewaySample,
    LogWriter,
    Recorded,
    Run,
    Sample,
    Sent,
    Server,
    State,
    Told,
    read_gateway,
    read_ledger,
    read_sent,
    to_line,
)

SENT: list[Event] = [
    Run({"name": "calm", "targets": {"lost": {"max": 0}}}, 7, 0.5, "gateway", 100.0, 101.0),
    Sent("k1", "36.03.12-1", None, 3, "ab" * 32, 12_000, 101.5, 101.51, 1),
    Told("k1", 101.6, 1, 202, "accepted", receipt="r1"),
    Told("k1", 103.0, 1, 200, "delivered", "r1", replayed=True),
    Dropped(104.0, "36.03.12-1", "pool full"),
    End(110.0, 0, 42.5),
]
LEDGER: list[Event] = [
    Server(100.0, 10, 0.2, 0.5, 15, 60.0, honours_key=True, seed=7),
    State(102.0, "down", "collapse"),
    Recorded(1, 102.9, 102.5, "k1", "k1", "ab" * 32, 12_000, None, 1, answered=True, outstanding=3),
    Sample(103.0, 5, 1, 0, 2, 4, 50.0),
]
GATEWAY: list[Event] = [GatewaySample(101.0, "slow_start", 12.5, 3, 40)]


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(lines))
    return path


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    for name, records in (("sent", SENT), ("ledger", LEDGER), ("gateway", GATEWAY)):
        with LogWriter(tmp_path / name) as log:
            for record in records:
                log.write(record)
    assert list(read_sent(tmp_path / "sent")) == SENT
    assert list(read_ledger(tmp_path / "ledger")) == LEDGER
    assert list(read_gateway(tmp_path / "gateway")) == GATEWAY


def test_each_record_is_on_file_before_write_returns(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "log") as log:
        log.write(SENT[1])
        assert list(read_sent(tmp_path / "log")) == [SENT[1]]


def test_two_writers_append_to_one_file(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "log") as first, LogWriter(tmp_path / "log") as second:
        first.write(SENT[0])
        second.write(SENT[1])
        first.write(SENT[2])
    assert list(read_sent(tmp_path / "log")) == SENT[:3]


def test_a_torn_last_line_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "log", to_line(SENT[0]), to_line(SENT[1])[:-20])
    errors: list[UnreadableLineError] = []
    assert list(read_sent(path, errors.append)) == SENT[:1]
    assert [(error.line, error.torn) for error in errors] == [(2, True)]


def test_a_whole_record_that_lacks_only_its_line_end_is_read(tmp_path: Path) -> None:
    assert list(read_sent(write(tmp_path / "log", to_line(SENT[0])[:-1]))) == SENT[:1]


def test_a_new_writer_leaves_a_torn_line_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "log", to_line(SENT[0]), to_line(SENT[1])[:-20])
    with LogWriter(path) as log:
        log.write(SENT[2])
    errors: list[UnreadableLineError] = []
    assert list(read_sent(path, errors.append)) == [SENT[0], SENT[2]]
    assert [(error.line, error.torn) for error in errors] == [(2, False)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\x00\xff\n", "utf-8"),
        (b"not json\n", "Expecting value"),
        (b"\n", "Expecting value"),
        (b"[1]\n", "not one JSON object"),
        (to_line(SENT[5])[:-1] + to_line(SENT[5]), "not one JSON object"),
        (b"{}\n", "unknown event None"),
        (b'{"event":["sent"]}\n', "unknown event"),
        (b'{"event":"recorded"}\n', "unknown event 'recorded'"),
        (b'{"event":"end","at":1,"undecided":0}\n', "cpu_percent_max is missing"),
        (b'{"event":"end","at":NaN,"undecided":0,"cpu_percent_max":1}\n', "NaN"),
        (b'{"event":"end","at":true,"undecided":0,"cpu_percent_max":1}\n', "at cannot be True"),
        (b'{"event":"end","at":"1","undecided":0,"cpu_percent_max":1}\n', "at cannot be '1'"),
        (
            b'{"event":"told","key":"k","at":1,"attempt":1,"status":200,"told":"maybe"}\n',
            "told cannot be 'maybe'",
        ),
        (b"[" * 100_000 + b"\n", "recursion"),
    ],
)
def test_garbage_is_refused_with_its_line_number(tmp_path: Path, line: bytes, reason: str) -> None:
    path = write(tmp_path / "sent.jsonl", to_line(SENT[0]), line, to_line(SENT[1]))
    with pytest.raises(UnreadableLineError, match=reason) as refused:
        list(read_sent(path))
    assert str(refused.value).startswith("sent.jsonl:2: ")
    assert not refused.value.torn


def test_fields_that_a_newer_writer_added_are_ignored(tmp_path: Path) -> None:
    line = b'{"event":"end","at":1,"undecided":0,"cpu_percent_max":1,"later":"more"}\n'
    assert list(read_sent(write(tmp_path / "log", line))) == [End(1, 0, 1)]
