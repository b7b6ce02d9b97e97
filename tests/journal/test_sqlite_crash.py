"""SQLite, killed and cut from power: what was acknowledged is there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.journal.sqlite import SqliteJournal
from tests.support import power


def killed_after(count: int, *arguments: str) -> set[int]:
    """Start a child that accepts, kill it after ``count`` acknowledgements; all that it gave."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.journal.child", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(count)]
        child.kill()
        lines += child.stdout.readlines()
    return {int(line) for line in lines if line.endswith("\n")}


async def kept(path: Path) -> set[int]:
    """What a gateway would find, in a copy: the files stay as the crash left them."""
    copy = path.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in path.parent.glob("journal.db*"):
        shutil.copyfile(file, copy / file.name)
    journal = SqliteJournal(copy / path.name)
    await journal.open(now=0.0)
    lives = await journal.list(limit=1_000_000)
    totals = await journal.totals()
    await journal.close()
    assert totals.accepted == len(lives)
    return {int(life.id[-12:]) for life in lives}


async def test_every_acknowledged_enrollment_survives_kill_9_again_and_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    acknowledged: set[int] = set()
    for count in (1, 200, 700):
        acknowledged |= killed_after(count, str(path))
        assert acknowledged <= await kept(path)
    assert len(acknowledged) >= 900


@pytest.mark.fault(
    2,
    did="killed an accepting process and put back what was synced",
    sees="every acknowledged enrollment is there",
    stand_in="a VFS that keeps a shadow of what was synced",
)
async def test_every_acknowledged_enrollment_survives_a_loss_of_power(tmp_path: Path) -> None:
    path, shadows = tmp_path / "journal.db", tmp_path / "shadows"
    acknowledged: set[int] = set()
    for count in (1, 300):
        acknowledged |= killed_after(count, str(path), str(shadows))
        power.lose_power(path, shadows)
        assert acknowledged <= await kept(path)


async def test_a_kill_between_two_losses_of_power_takes_nothing(tmp_path: Path) -> None:
    path, shadows = tmp_path / "journal.db", tmp_path / "shadows"
    acknowledged = killed_after(100, str(path), str(shadows))
    acknowledged |= killed_after(100, str(path), str(shadows))
    power.lose_power(path, shadows)
    assert acknowledged <= await kept(path)


async def test_without_syncs_a_loss_of_power_takes_what_was_acknowledged(tmp_path: Path) -> None:
    path, shadows = tmp_path / "journal.db", tmp_path / "shadows"
    acknowledged = killed_after(300, str(path), str(shadows), "0")
    power.lose_power(path, shadows)
    assert not acknowledged <= await kept(path)


@pytest.mark.parametrize("cut", [1, 5000])
async def test_a_torn_end_of_the_log_is_dropped_and_the_rest_is_kept(
    tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "journal.db"
    acknowledged = killed_after(300, str(path))
    log = path.with_name("journal.db-wal")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - cut)
    lost = acknowledged - await kept(path)
    assert len(lost) <= 16  # at most the last commit, which a real disk would have synced
