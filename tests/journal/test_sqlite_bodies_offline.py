"""SQLite: large bodies exported, imported and moved together, without a gateway."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal.contract import (
    JournalBroken,
)
from gateway.journal.keyring import KeyRing
from gateway.journal.sealing import Sealer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.offline.compacting import compact
from gateway.journal.sqlite.offline.transfer import export, import_
from gateway.journal.sqlite.offline.verifying import verify
from tests.journal.large import ACCEPTED, accept, beside, deliver, whole
from tests.journal.test_sealing import enrollment


async def test_an_export_takes_large_bodies_along_and_an_import_keeps_them_apart(
    tmp_path: Path,
) -> None:
    ring = KeyRing.generate()
    sealer = Sealer(ring)
    sent = [
        replace(enrollment(number), body=os.urandom(100_000 + number)) for number in range(1, 9)
    ]
    one, other, file = tmp_path / "journal.db", tmp_path / "other.db", tmp_path / "export"
    journal = SqliteJournal(one)
    await journal.open(now=0.0)
    for each in sent:
        await journal.accept(sealer.seal(each, rank=1.0), sending=False)
    await journal.close()
    assert export(one, file, progress=lambda *_: None).count == len(sent)
    empty = SqliteJournal(other)
    await empty.open(now=0.0)
    await empty.close()
    assert import_(other, file, ring, now=5.0, progress=lambda *_: None).taken == len(sent)
    assert other.stat().st_size < 300_000
    checked = verify(other, ring, progress=lambda *_: None)
    assert (checked.is_whole, checked.opened) == (True, 2 * len(sent))
    await empty.open(now=9.0)
    for each in sent:
        kept = await empty.load(each.id)
        assert kept is not None
        assert sealer.open(kept) == each
    await empty.close()


async def test_compacting_moves_bodies_together_and_cuts_the_file(path: Path) -> None:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    await accept(journal, *range(1, 201), size=100_000)
    ended = [number for number in range(1, 201) if number % 4]
    await deliver(journal, *ended)
    await journal.close()
    before = beside(path).stat().st_size
    found = compact(path)
    assert beside(path).stat().st_size == 50 * 102_400
    assert found.before - found.after >= before - 50 * 102_400
    await journal.open(now=9.0)
    await whole(journal, *range(4, 201, 4), size=100_000)
    assert await accept(journal, 201) == [ACCEPTED]
    await whole(journal, *range(4, 201, 4), size=100_000)
    await journal.close()


async def test_a_crash_while_it_is_compacted_costs_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    await accept(journal, *range(1, 201), size=100_000)
    await deliver(journal, *range(1, 101))
    await journal.close()
    syncs = 0

    def cut(handle: int) -> None:
        nonlocal syncs
        syncs += 1
        if syncs == 2:
            raise OSError(errno.EIO, "the power is gone")
        os.fsync(handle)

    monkeypatch.setattr("gateway.journal.sqlite.bodies.file.os.fdatasync", cut)
    with pytest.raises(JournalBroken):
        compact(path)
    await journal.open(now=9.0)
    await whole(journal, *range(101, 201), size=100_000)
    await journal.close()
