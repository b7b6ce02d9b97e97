"""The write-ahead log as a power cut may leave it: what of it counts, and what is damage."""

from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from gateway.journal.sqlite import log
from tests.journal.damaged import PAGE

FRAME = log.FRAME_HEADER + PAGE
PARTED = 42
"""The first frame whose header has the edge of a sector behind its first half."""
ENDS_A_COMMIT = (7).to_bytes(4, "big") * 2  # such a half: the page's number, and the file's size


def start(number: int) -> int:
    """Where a frame begins."""
    return log.HEADER + (number - 1) * FRAME


def logged(path: Path, commits: Sequence[int]) -> Path:
    """A file of SQLite's with a log of so many commits, of so many frames each; the log."""
    connection = apsw.Connection(str(path))
    connection.pragma("page_size", PAGE)
    connection.pragma("journal_mode", "wal")
    connection.pragma("wal_autocheckpoint", 0)
    connection.execute("CREATE TABLE page (number INTEGER PRIMARY KEY, data BLOB)")
    fill = (PAGE - 500,)  # a row for each page
    connection.executemany("INSERT INTO page (data) VALUES (randomblob(?))", [fill] * max(commits))
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    for count in commits:
        connection.execute("UPDATE page SET data = randomblob(?) WHERE number <= ?", (*fill, count))
    file = log.path_of(path)
    raw = file.read_bytes()
    connection.close()
    file.write_bytes(raw)
    assert len(raw) == start(sum(commits) + 1)
    return file


def overwrite(file: Path, at: int, data: bytes) -> None:
    raw = bytearray(file.read_bytes())
    raw[at : at + len(data)] = data
    file.write_bytes(raw)


def is_damaged(file: Path) -> bool:
    return log.damaged(log.frames(file, PAGE), log.readable(file, PAGE))


def last_frame(file: Path) -> int:
    """The newest of the frames that count."""
    places = log.pages(file, PAGE).values()
    return (max(places) - log.FRAME_HEADER - log.HEADER) // FRAME + 1


def test_a_whole_log_counts_to_its_last_commit(path: Path) -> None:
    file = logged(path, [1] * 30 + [20])
    assert not is_damaged(file)
    assert log.readable(file, PAGE) == last_frame(file) == 50


@pytest.mark.fault(
    2,
    did="tore the last commit of a log so that a frame's header, parted by the edge of a sector,"
    " was half of the round before: of one that ended a commit",
    sees="it is dropped like any torn commit; all before it counts, and nothing is salvaged",
    stand_in="the log alone, without its gateway",
)
def test_a_commit_that_was_cut_off_is_no_damage_though_it_seems_to_be_two(path: Path) -> None:
    """A sector of it is missing, and the one where a frame's header begins is of the old round."""
    file = logged(path, [1] * 30 + [20])
    assert start(PARTED) % log.SECTOR == log.SECTOR - 8
    overwrite(file, start(33) + 1024, bytes(log.SECTOR))
    overwrite(file, start(PARTED), ENDS_A_COMMIT)
    assert not is_damaged(file)
    assert last_frame(file) == 30


def test_a_commit_that_another_followed_was_durable_and_is_damage(path: Path) -> None:
    file = logged(path, [1] * 30 + [20, 1])
    overwrite(file, start(33) + 1024, bytes(log.SECTOR))
    assert is_damaged(file)
    assert last_frame(file) == 51


def test_of_a_damaged_log_a_last_commit_that_was_cut_off_is_left_out(path: Path) -> None:
    """What it has of its pages may be half of them; those of the commits before it are whole."""
    file = logged(path, [1] * 10 + [3, 8])
    overwrite(file, start(5) + 1024, b"\xff")
    overwrite(file, start(16) + 1024, bytes(log.SECTOR))
    assert is_damaged(file)
    assert last_frame(file) == 13


def test_of_a_damaged_log_a_whole_last_commit_counts_whatever_is_before_it(path: Path) -> None:
    """Its first frame goes on from a checksum; where that is damaged, from the one it was."""
    file = logged(path, [1] * 10 + [3, 8])
    overwrite(file, start(5) + 1024, b"\xff")
    overwrite(file, start(13) + 16, b"\xff\xff\xff\xff")
    assert is_damaged(file)
    assert last_frame(file) == 21


@pytest.mark.fault(
    7,
    did="overwrote the log's header, a sector, a block, two frames at its beginning with nulls",
    sees="it is damage; what follows is salvaged",
    stand_in="the log alone, without its gateway",
)
@pytest.mark.parametrize("size", [log.HEADER, 512, 4096, 2 * FRAME])
def test_a_log_whose_beginning_is_gone_is_damaged(path: Path, size: int) -> None:
    file = logged(path, [1] * 10)
    overwrite(file, 0, bytes(size))
    assert log.readable(file, PAGE) == 0
    assert is_damaged(file)
    assert last_frame(file) == 10


@pytest.mark.parametrize("size", [0, 10, log.HEADER, log.HEADER + 10, FRAME])
def test_a_log_without_a_frame_is_none(path: Path, size: int) -> None:
    file = log.path_of(path)
    file.write_bytes(bytes(size))
    assert log.frames(file, PAGE) == []
    assert log.readable(file, PAGE) == 0
    assert log.pages(file, PAGE) == {}
    file.unlink()
    assert log.frames(file, PAGE) == []
