"""The marker's judgement: what an opening finds against what there was."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal.sqlite import marker
from gateway.journal.sqlite.marker import Era, Found, Marker, judge

CLOSED = Marker(journal="abc", era=7, running=False, accepted=100, inode=5)
RUNNING = replace(CLOSED, running=True)
SAME = Found(era=Era("abc", 7), accepted=100, inode=5, has_log=False)
AFTER_CRASH = replace(SAME, accepted=130, has_log=True)


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (CLOSED, SAME),
        (RUNNING, AFTER_CRASH),
        (CLOSED, replace(SAME, has_log=True)),  # closed on a full disk
        (CLOSED, replace(AFTER_CRASH, era=Era("abc", 8))),  # crashed before the marker knew
        (None, replace(SAME, era=None)),  # from before there were markers, or new
        (None, replace(SAME, accepted=0, has_log=True)),  # its first start was cut off
    ],
)
def test_a_journal_as_it_was_left_is_taken_as_it_is(known: Marker | None, found: Found) -> None:
    assert judge(known, found) is None


@pytest.mark.parametrize(
    ("known", "found", "why", "missing"),
    [
        (None, SAME, "marker beside it is missing", 0),
        (CLOSED, replace(SAME, era=Era("xyz", 9)), "another journal", 0),
        (CLOSED, replace(SAME, era=None, accepted=9), "older than the marker", 91),
        (CLOSED, replace(SAME, era=Era("abc", 6), accepted=60), "older than the marker", 40),
        (RUNNING, replace(SAME, accepted=90), "log is gone", 10),
        (RUNNING, replace(AFTER_CRASH, accepted=90), "less than it did", 10),
        (CLOSED, replace(SAME, inode=6), "file is a copy", 0),
    ],
)
def test_a_journal_that_may_be_older_is_noticed(
    known: Marker | None, found: Found, why: str, missing: int
) -> None:
    older = judge(known, found)
    assert older is not None
    assert why in older.why
    assert older.missing == missing


def test_an_empty_start_is_refused_where_there_was_something(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for known in (CLOSED, RUNNING, replace(RUNNING, accepted=0)):
        told = marker.refusal(known, path)
        assert told is not None
        assert "is gone" in told
        assert f"remove {path}.marker" in told
    path.touch()
    assert "is empty" in (marker.refusal(CLOSED, path) or "")


@pytest.mark.parametrize("known", [None, replace(CLOSED, accepted=0)])
def test_an_empty_start_is_allowed_where_there_was_nothing(
    tmp_path: Path, known: Marker | None
) -> None:
    assert marker.refusal(known, tmp_path / "journal.db") is None


def test_a_marker_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert marker.read(path) is None
    marker.write(path, RUNNING)
    assert marker.read(path) == RUNNING
    marker.write(path, CLOSED)
    assert marker.read(path) == CLOSED


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 2}', '{"version": 1}'])
def test_a_marker_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "journal.db"
    marker.of(path).write_text(text)
    assert marker.read(path) is None
