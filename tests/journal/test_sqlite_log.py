"""The write-ahead log as a power cut may leave it: what of it counts, and what is damage."""

import random
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from gateway.journal.sqlite import log
from tests.journal.damaged import PAGE

FRAME = log.FRAME_HEADER + PAGE
PARTED = 42
"""The first frame whose header has the edge of a sector behind its first half."""


def start(number: int) -> int:
    """Where a frame begins."""
    return log.HEADER + (number - 1) * FRAME


def written(path: Path, commits: Sequence[int], *, over: Sequence[int] = ()) -> list[bytes]:
    """A file of SQLite's, its log written back; what the log was after each of the commits.

    Each commit is of so many frames. ``over``: those of the round before.
    """
    connection = apsw.Connection(str(path))
    connection.pragma("page_size", PAGE)
    connection.pragma("journal_mode", "wal")
    connection.pragma("wal_autocheckpoint", 0)
    connection.execute("CREATE TABLE page (number INTEGER PRIMARY KEY, data BLOB)")
    fill = (PAGE - 500,)  # a row for each page
    connection.executemany("INSERT INTO page (data) VALUES (randomblob(?))", [fill] * max(commits))
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def commit(frames: int) -> bytes:
        change = "UPDATE page SET data = randomblob(?) WHERE number <= ?"
        connection.execute(change, (*fill, frames))
        return log.path_of(path).read_bytes()

    for frames in over:
        commit(frames)
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    found = [commit(frames) for frames in commits]
    connection.close()
    return found


def logged(path: Path, commits: Sequence[int]) -> Path:
    """Its log, after all of the commits."""
    raw = written(path, commits)[-1]
    assert len(raw) == start(sum(commits) + 1)
    file = log.path_of(path)
    file.write_bytes(raw)
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
    did="left any of the last commit's sectors as they were, 200 times; the edge of one parts a"
    " frame's header, the old half of which ended a commit",
    sees="it is dropped like any torn commit; all before it counts, and nothing is salvaged",
    stand_in="the log alone, without its gateway",
)
def test_whatever_a_power_cut_leaves_of_the_last_commit_is_no_damage(path: Path) -> None:
    *_, before, after = written(path, [1] * 30 + [20], over=[1] * 60)
    assert len(before) == len(after) == start(61)
    assert start(PARTED) % log.SECTOR == log.SECTOR - 8
    file = log.path_of(path)
    for seed in range(200):
        rng = random.Random(seed)
        raw, share = bytearray(before), rng.choice((0.1, 0.5, 0.9))
        for sector in range(start(31) // log.SECTOR, start(51) // log.SECTOR + 1):
            if rng.random() < share:
                place = slice(sector * log.SECTOR, (sector + 1) * log.SECTOR)
                raw[place] = after[place]
        file.write_bytes(raw)
        assert not is_damaged(file), seed
        assert last_frame(file) == 30, seed


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
