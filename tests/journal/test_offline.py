"""Work on a journal that nobody has open: it is checked, moved, compacted, and its keys renewed."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while it looks at a file

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from gateway.core.enrollment import Answer, Enrollment
from gateway.core.lifecycle import Status
from gateway.journal.contract import Change, JournalFault, JournalInUse
from gateway.journal.keyring import KeyRing, KeyRingFault, bind
from gateway.journal.sealing import SealBroken, Sealer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.offline.compacting import compact
from gateway.journal.sqlite.offline.rewrapping import needs_more_than_one, rewrap
from gateway.journal.sqlite.offline.transfer import export, import_
from gateway.journal.sqlite.offline.verifying import verify
from tests.journal.test_sealing import enrollment

RING = KeyRing.generate()
SEALER = Sealer(RING)
COUNT = 20
Work = Callable[[SqliteJournal], Awaitable[None]]


def quietly(done: int, total: int) -> None:
    assert 0 < done <= total


def numbered(number: int) -> Enrollment:
    sent = enrollment(number)
    return replace(sent, body=bytes([number]) * 30_000, accepted_at=float(number))


async def used(path: Path, work: Work | None = None) -> None:
    """Open, bind to its keys, let ``work`` be done, close."""
    journal = SqliteJournal(path)
    await journal.open(now=100.0)
    await bind(journal, RING)
    if work is not None:
        await work(journal)
    await journal.close()


async def filled(path: Path) -> None:
    """Twenty with one ordering key: 1 to 4 delivered, 5 dead, 6 is being sent, the others wait."""

    async def work(journal: SqliteJournal) -> None:
        for number in range(1, COUNT + 1):
            await journal.accept(SEALER.seal(numbered(number), rank=float(number)), sending=False)
        for number in range(1, 5):
            each = numbered(number)
            await journal.begin(each.id, now=50.0)
            answer = SEALER.seal_answer(
                each.id, each.station, each.fingerprint, Answer(201, (), b"recorded")
            )
            change = Change(Status.DELIVERED, "http-201", answer=answer)
            assert await journal.change(each.id, change, now=51.0)
        await journal.change(numbered(5).id, Change(Status.DEAD_LETTER, "too-old"), now=52.0)
        await journal.begin(numbered(6).id, now=53.0)

    await used(path, work)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    await filled(tmp_path / "journal.db")
    return tmp_path / "journal.db"


async def test_a_whole_journal_is_verified_and_every_part_opened(path: Path) -> None:
    found = verify(path, RING, progress=quietly)
    assert found.is_whole
    assert found.opened == COUNT + (COUNT - 4) + 4  # envelopes, bodies, answers
    assert found.by_status["delivered"] == 4
    assert set(found.keys) == {RING.active.hex()}
    assert verify(path, RING, progress=quietly).is_whole, "it changed nothing"


async def test_two_rows_with_swapped_content_are_found_by_their_ids(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE content SET seq = -7 WHERE seq = 7")
    connection.execute("UPDATE content SET seq = 7 WHERE seq = 8")
    connection.execute("UPDATE content SET seq = 8 WHERE seq = -7")
    connection.close()
    found = verify(path, RING, progress=quietly)
    assert len(found.broken) == 2
    for number in (7, 8):
        assert any(numbered(number).id in each for each in found.broken)
        assert "belongs to another record" in found.broken[0]


async def test_the_wrong_keys_verify_nothing(path: Path) -> None:
    with pytest.raises(KeyRingFault, match="not the one"):
        verify(path, KeyRing.generate(), progress=quietly)


async def test_a_journal_that_a_gateway_holds_is_left_alone(path: Path) -> None:
    journal = SqliteJournal(path)
    await journal.open(now=100.0)
    with pytest.raises(JournalInUse):
        verify(path, RING, progress=quietly)
    assert (await journal.totals()).accepted == COUNT
    await journal.close()


def test_where_there_is_no_journal_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(JournalFault, match="there is no journal"):
        verify(tmp_path / "journal.db", RING, progress=quietly)
    assert list(tmp_path.iterdir()) == []


async def test_losses_are_told_until_they_are_acknowledged(path: Path) -> None:
    await used(path, lambda journal: journal.remember("damage", "two are missing"))
    assert verify(path, RING, progress=quietly).damage == ["two are missing"]
    assert verify(path, RING, progress=quietly, acknowledge=True).is_whole


async def test_an_export_comes_in_once_sealed_in_doubt_and_in_order(
    path: Path, tmp_path: Path
) -> None:
    file, other = tmp_path / "undelivered.jsonl", tmp_path / "other.db"
    exported = export(path, file, progress=quietly)
    assert (exported.count, exported.keys) == (COUNT - 4, (RING.active.hex(),))
    assert file.stat().st_mode & 0o777 == 0o600
    assert (numbered(7).body or b"")[:100] not in file.read_bytes()
    await used(other)
    for taken, known in ((COUNT - 4, 0), (0, COUNT - 4)):
        found = import_(other, file, RING, now=200.0, progress=quietly)
        assert (found.taken, found.known) == (taken, known)
    journal = SqliteJournal(other)
    await journal.open(now=300.0)
    lives = await journal.list()
    assert {life.status for life in lives} == {Status.DEAD_LETTER, Status.IN_DOUBT}
    assert sum(life.next_attempt_at is not None for life in lives) == 0, "behind the dead letter"
    kept = await journal.load(numbered(9).id)
    assert kept is not None
    assert SEALER.open(kept) == numbered(9)
    await journal.close()


async def test_what_is_delivered_here_already_is_not_taken_in_again(
    path: Path, tmp_path: Path
) -> None:
    file = tmp_path / "undelivered.jsonl"
    export(path, file, progress=quietly)

    async def deliver(journal: SqliteJournal) -> None:
        await journal.change(numbered(6).id, Change(Status.IN_DOUBT, "cut", 100.0), now=101.0)
        await journal.change(numbered(6).id, Change(Status.DELIVERED, "found"), now=101.0)

    await used(path, deliver)
    found = import_(path, file, RING, now=200.0, progress=quietly)
    assert (found.taken, found.known) == (0, COUNT - 4)


@pytest.mark.parametrize("cut", ["a line", "a byte", "the head"])
async def test_a_damaged_export_brings_in_nothing(path: Path, tmp_path: Path, cut: str) -> None:
    file, other = tmp_path / "undelivered.jsonl", tmp_path / "other.db"
    export(path, file, progress=quietly)
    lines = file.read_text().splitlines(keepends=True)
    kept = {"a line": lines[:-1], "a byte": [*lines[:-1], lines[-1][:-9]], "the head": lines[1:]}
    file.write_text("".join(kept[cut]))
    await used(other)
    with pytest.raises(JournalFault):
        import_(other, file, RING, now=200.0, progress=quietly)
    assert sum(verify(other, RING, progress=quietly).by_status.values()) == 0


async def test_an_export_needs_the_keys_that_it_names(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "undelivered.jsonl"
    export(path, file, progress=quietly)
    with pytest.raises(JournalFault, match="needs the key file"):
        import_(path, file, KeyRing.generate(), now=200.0, progress=quietly)
    with pytest.raises(JournalFault, match=RING.active.hex()):
        import_(path, file, RING.rotated().pruned(), now=200.0, progress=quietly)


async def test_an_export_is_not_written_over_a_file(path: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(FileExistsError):
        export(path, tmp_path / "mine", progress=quietly)
    assert (tmp_path / "mine").read_text() == "mine"


async def test_all_is_under_the_new_key_and_the_old_one_opens_nothing_any_more(path: Path) -> None:
    newer = RING.rotated()
    assert not needs_more_than_one(path)
    found = rewrap(path, newer, progress=quietly)
    assert (found.changed, found.broken) == (COUNT, ())
    assert not needs_more_than_one(path)
    checked = verify(path, newer.pruned(), progress=quietly)
    assert checked.is_whole
    assert set(checked.keys) == {newer.active.hex()}
    assert verify(path, RING, progress=quietly).opened == 0
    assert rewrap(path, newer, progress=quietly).changed == 0
    journal = SqliteJournal(path)
    await journal.open(now=300.0)
    await bind(journal, newer.pruned())
    with pytest.raises(KeyRingFault, match="lacks"):
        await bind(journal, RING)
    await journal.close()


async def test_a_rotation_that_was_cut_off_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.sqlite.offline.rewrapping.AT_ONCE", 6)
    newer = RING.rotated()

    def cut(done: int, _total: int) -> None:
        if done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rewrap(path, newer, progress=cut)
    assert needs_more_than_one(path)
    assert verify(path, newer, progress=quietly).is_whole, "in between, both keys are needed"
    assert rewrap(path, newer, progress=quietly).changed == COUNT - 12
    assert verify(path, newer.pruned(), progress=quietly).is_whole


async def test_one_that_does_not_unwrap_stays_as_it_was_and_is_told(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE content SET body_key = zeroblob(20) WHERE seq = 9")
    connection.close()
    found = rewrap(path, RING.rotated(), progress=quietly)
    assert found.changed == COUNT - 1
    assert len(found.broken) == 1
    assert numbered(9).id in found.broken[0]


async def test_compacting_gives_back_what_erased_bodies_left(path: Path) -> None:
    async def cancel(journal: SqliteJournal) -> None:
        for number in range(7, COUNT + 1):
            await journal.change(
                numbered(number).id, Change(Status.DEAD_LETTER, "too-old"), now=60.0
            )
            await journal.change(numbered(number).id, Change(Status.CANCELLED, "op"), now=60.0)

    await used(path, cancel)
    found = compact(path)
    assert found.before - found.after > 10 * 30_000
    bodies = path.with_name("journal.db.bodies")
    assert path.stat().st_size + bodies.stat().st_size == found.after
    assert bodies.stat().st_size == 2 * 32_768, "5, dead, and 6, in doubt, are left"
    assert verify(path, RING, progress=quietly).is_whole


async def test_after_offline_work_on_a_killed_gateways_journal_nothing_seems_lost(
    path: Path,
) -> None:
    document = json.loads(path.with_name("journal.db.marker").read_text())
    assert document["running"] is False
    verify(path, RING, progress=quietly)
    journal = SqliteJournal(path)
    await journal.open(now=300.0)
    assert await journal.recall("restored") is None
    await journal.close()


def test_a_lost_part_says_so() -> None:
    with pytest.raises(SealBroken, match="is lost"):
        SEALER.rewrapped(b"", part=b"body", enrollment_id="x", station="y", fingerprint=b"z")
