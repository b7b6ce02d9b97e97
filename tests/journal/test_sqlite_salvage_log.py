"""SQLite with bits that changed in its log."""

from pathlib import Path

import apsw
import pytest

from gateway.journal.sqlite import SqliteJournal, log
from tests.journal.damaged import PAGE
from tests.journal.test_sqlite_crash import killed_after

FRAME = PAGE + 24


async def found(path: Path) -> tuple[set[int], bool]:
    """What is there when it is opened again, and whether it was salvaged for that."""
    journal = SqliteJournal(path)
    await journal.open(now=100.0)
    lives = await journal.list(limit=10_000)
    told = await journal.damage()
    await journal.close()
    numbers = {int(life.id[-12:]) for life in lives}
    return numbers, any("salvaged" in sentence for sentence in told)


@pytest.mark.parametrize(
    "where",
    [
        17,  # the log's header
        32 + 8,  # a frame's header
        32 + 24 + 9_000,  # a frame's page
        32 + 20 * FRAME + 24 + 100,
    ],
)
async def test_a_flipped_bit_early_in_the_log_does_not_take_what_follows(
    path: Path, where: int
) -> None:
    acknowledged = killed_after(200, str(path))
    log = path.with_name("journal.db-wal")
    raw = bytearray(log.read_bytes())
    raw[where] ^= 4
    log.write_bytes(raw)
    there, is_salvaged = await found(path)
    assert is_salvaged
    assert acknowledged <= there
    (kept,) = path.parent.glob("*.damaged-*Z-wal")
    assert kept.read_bytes() == raw, "the damaged log stays as it was"


@pytest.mark.parametrize("from_end", [1, 2, 3])
async def test_a_flipped_bit_in_any_commit_of_the_log_but_the_last_is_noticed(
    path: Path, from_end: int
) -> None:
    """The last looks like one that was cut off and never promised: a limit, told in the docs."""
    acknowledged = killed_after(60, str(path))
    file = log.path_of(path)
    frames = log.frames(file, PAGE)[: log.readable(file, PAGE)]
    ends = [
        frame.place
        for number, frame in enumerate(frames, 1)
        # Behind the half of its header that an edge may part from the rest begin 16 bytes more,
        # then its page. Such a one is no evidence that a commit ended: a limit, told there, too.
        if frame is not None
        and frame.commits
        and ((frame.place - 16) % log.SECTOR or number == len(frames))
    ]
    assert len(ends) > 3
    raw = bytearray(file.read_bytes())
    raw[ends[-from_end] + 100] ^= 4
    file.write_bytes(raw)
    there, is_salvaged = await found(path)
    assert is_salvaged == (from_end > 1)
    if from_end > 1:
        assert acknowledged <= there


@pytest.mark.parametrize("is_written_back", [True, False])
@pytest.mark.parametrize("torn_at", [16, 20, 28])
async def test_a_header_that_a_power_cut_tore_is_damage_only_where_the_file_lacks_what_follows(
    path: Path, torn_at: int, *, is_written_back: bool
) -> None:
    """It is written anew when the file has all of the log; what follows is of the round before."""
    acknowledged = killed_after(60, str(path))
    file = log.path_of(path)
    raw = bytearray(file.read_bytes())
    if is_written_back:
        connection = apsw.Connection(str(path))
        _, pages, written = connection.execute("PRAGMA wal_checkpoint").get
        assert pages == written > 0
        connection.close()  # it removes the log
    raw[12:torn_at] = bytes(torn_at - 13) + b"\x09"
    file.write_bytes(raw)
    there, is_salvaged = await found(path)
    assert acknowledged <= there
    assert is_salvaged != is_written_back
