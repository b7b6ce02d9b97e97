"""SQLite: what stands where: a dropped key leaves no copy, a journal of the old layout goes on."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while it looks at a file

import random
from pathlib import Path

import apsw
import pytest

from gateway.core.enrollment import Answer
from gateway.core.lifecycle import Status
from gateway.journal.contract import Change, Sealed
from gateway.journal.keyring import KeyRing
from gateway.journal.sealing import Sealer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.offline.compacting import compact
from gateway.journal.sqlite.offline.rewrapping import rewrap
from gateway.journal.sqlite.offline.transfer import export, import_
from gateway.journal.sqlite.offline.verifying import verify
from gateway.journal.sqlite.opening import APPLICATION_ID, SETTINGS, migrations
from tests.journal.entries import entry
from tests.journal.test_sealing import enrollment

COUNT = 300
APART = 5
"""The schema since which bodies stand apart from their keys."""


@pytest.mark.parametrize("size", [40, 2_000, 12_000])
async def test_bodies_that_end_in_any_order_leave_no_copy_of_their_keys(
    path: Path, size: int
) -> None:
    """Half of them end: their keys are nowhere in the file, those of their neighbours are."""
    rng = random.Random(size)
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    for number in range(COUNT):
        await journal.accept(entry(number, size=size), sending=True)
    ended = rng.sample(range(COUNT), COUNT // 2)
    for number in ended:
        # As long as the key of a body, as it is in real life; so is what the row is as a whole.
        key = f"answer-key-{number:06}".encode()
        answer = Sealed(key, rng.randbytes(rng.randrange(10, 900)))
        change = Change(Status.DELIVERED, "http-201", None, answer)
        assert await journal.change(entry(number).id, change, now=5.0)
    await journal.close()
    raw = path.read_bytes()
    for number in range(COUNT):
        assert raw.count(entry(number).body.key) == int(number not in ended)


def before(path: Path, script: int = APART - 1) -> apsw.Connection:
    """A journal of a schema from before bodies stood apart."""
    connection = apsw.Connection(str(path))
    for name in ("page_size", "journal_mode"):
        connection.pragma(name, SETTINGS[name])
    for each in migrations()[:script]:
        connection.execute(each)
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", script)
    return connection


def old(path: Path, sealer: Sealer, *, waiting: int, ended: int) -> None:
    """Filled as the gateway of then filled it; the first are delivered."""
    connection = before(path)
    with connection:
        for number in range(1, waiting + ended + 1):
            sent = enrollment(number)
            new = sealer.seal(sent, rank=float(number))
            done = number <= ended
            answer = sealer.seal_answer(
                sent.id, sent.station, sent.fingerprint, Answer(201, (), b"recorded")
            )
            connection.execute(
                "INSERT INTO enrollment (seq, id, identity, fingerprint, station, status, phase,"
                " priority, rank, attempts, size, accepted_at, settled_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 3, ?, 1, ?, ?, ?)",
                (
                    number,
                    new.id,
                    new.identity,
                    new.fingerprint,
                    new.station,
                    "delivered" if done else "pending",
                    "done" if done else "ready",
                    new.rank,
                    new.size,
                    new.accepted_at,
                    9.0 if done else None,
                ),
            )
            connection.execute(
                "INSERT INTO content (seq, envelope_key, body_key, answer_key, envelope, answer,"
                " body) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    new.envelope.key,
                    None if done else new.body.key,
                    answer.key if done else None,
                    new.envelope.data,
                    answer.data if done else None,
                    None if done else new.body.data,
                ),
            )
        for name, count in (
            ("accepted", waiting + ended),
            ("pending", waiting),
            ("delivered", ended),
        ):
            connection.execute("UPDATE counter SET value = ? WHERE name = ?", (count, name))
    connection.close()


WAITING, ENDED = 12, 5
RING = KeyRing.generate()
SEALER = Sealer(RING)


@pytest.fixture
def old_path(path: Path) -> Path:
    old(path, SEALER, waiting=WAITING, ended=ENDED)
    return path


def quietly(_done: int, _total: int) -> None:
    pass


async def test_a_journal_of_the_old_layout_goes_on_and_loses_nothing(old_path: Path) -> None:
    journal = SqliteJournal(old_path)
    await journal.open(now=100.0)
    assert await journal.damage() == ()
    for number in range(1, ENDED + WAITING + 1):
        kept = await journal.load(enrollment(number).id)
        assert kept is not None
        if number > ENDED:
            assert SEALER.open(kept) == enrollment(number)
        else:
            assert kept.body is None
            assert kept.answer is not None
            assert SEALER.open_answer(kept) == Answer(201, (), b"recorded")
    newer = enrollment(99)
    await journal.accept(SEALER.seal(newer, rank=99.0), sending=False)
    kept = await journal.load(newer.id)
    assert kept is not None
    assert SEALER.open(kept) == newer
    await journal.close()
    found = verify(old_path, RING, progress=quietly)
    assert found.is_whole
    assert found.opened == 2 * (ENDED + WAITING + 1)


async def test_what_an_old_journal_holds_is_delivered_erased_and_forgotten(old_path: Path) -> None:
    number = ENDED + 1
    journal = SqliteJournal(old_path)
    await journal.open(now=100.0)
    sent = await journal.begin(enrollment(number).id, now=101.0)
    assert sent is not None
    assert sent.body is not None
    assert SEALER.open(sent) == enrollment(number)
    answer = SEALER.seal_answer(
        sent.life.id, sent.life.station, sent.fingerprint, Answer(201, (), b"now")
    )
    assert await journal.change(
        sent.life.id, Change(Status.DELIVERED, "http-201", None, answer), now=102.0
    )
    kept = await journal.load(sent.life.id)
    assert kept is not None
    assert kept.body is None
    assert SEALER.open_answer(kept) == Answer(201, (), b"now")
    await journal.close()
    assert sent.body.key not in old_path.read_bytes()
    await journal.open(now=103.0)
    assert await journal.forget(settled_before=200.0, limit=100) == ENDED + 1
    await journal.close()
    assert verify(old_path, RING, progress=quietly).opened == 2 * (WAITING - 1)


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.PENDING])
async def test_an_answer_in_an_old_row_gives_way_to_the_newer_one(
    old_path: Path, status: Status
) -> None:
    sent = enrollment(ENDED + 1)

    def sealed(words: bytes) -> Sealed:
        answer = Answer(503, (), words)
        return SEALER.seal_answer(sent.id, sent.station, sent.fingerprint, answer)

    connection = apsw.Connection(str(old_path))
    connection.execute(
        "UPDATE content SET answer_key = ?, answer = ? WHERE seq = ?",
        (sealed(b"then").key, sealed(b"then").data, ENDED + 1),
    )
    connection.close()
    journal = SqliteJournal(old_path)
    await journal.open(now=100.0)
    assert await journal.begin(sent.id, now=101.0)
    assert await journal.change(sent.id, Change(status, "", 200.0, sealed(b"now")), now=102.0)
    kept = await journal.load(sent.id)
    assert kept is not None
    assert SEALER.open_answer(kept) == Answer(503, (), b"now")
    await journal.close()


@pytest.mark.parametrize("answered", [True, False])
async def test_an_old_rows_body_is_gone_with_its_end(old_path: Path, *, answered: bool) -> None:
    sent = enrollment(ENDED + 1)
    journal = SqliteJournal(old_path)
    await journal.open(now=100.0)
    if answered:
        answer = SEALER.seal_answer(sent.id, sent.station, sent.fingerprint, Answer(201, (), b""))
        assert await journal.begin(sent.id, now=101.0)
        assert await journal.change(sent.id, Change(Status.DELIVERED, "", None, answer), now=102.0)
    else:
        assert await journal.change(sent.id, Change(Status.CANCELLED, ""), now=102.0)
    await journal.close()
    connection = apsw.Connection(str(old_path))
    query = "SELECT body_key, body FROM content WHERE seq = ?"
    assert connection.execute(query, (ENDED + 1,)).fetchall() == [(None, None)]
    connection.close()


async def test_what_is_forgotten_leaves_no_row(path: Path) -> None:
    answer = Sealed(b"key", b"data")
    journal = SqliteJournal(path)
    await journal.open(now=0.0)
    for number, size in ((1, 100), (2, 50_000)):
        await journal.accept(entry(number, size=size), sending=True)
        change = Change(Status.DELIVERED, "", None, answer)
        assert await journal.change(entry(number).id, change, now=1.0)
    assert await journal.forget(settled_before=2.0, limit=10) == 2
    await journal.close()
    connection = apsw.Connection(str(path))
    for table in ("enrollment", "content", "body", "extent", "answer"):
        count = connection.execute(f"SELECT count(*) FROM {table}").get  # noqa: S608 - constants
        assert count == 0, table
    connection.close()


async def test_old_and_new_rows_are_exported_rewrapped_and_compacted(
    old_path: Path, tmp_path: Path
) -> None:
    journal = SqliteJournal(old_path)
    await journal.open(now=100.0)
    await journal.accept(SEALER.seal(enrollment(99), rank=99.0), sending=False)
    await journal.close()
    newer = RING.rotated()
    assert rewrap(old_path, newer, progress=quietly).changed == WAITING + ENDED + 1
    compact(old_path)
    assert verify(old_path, newer.pruned(), progress=quietly).is_whole
    file, other = tmp_path / "undelivered.jsonl", tmp_path / "other.db"
    assert export(old_path, file, progress=quietly).count == WAITING + 1
    fresh = SqliteJournal(other)
    await fresh.open(now=100.0)
    await fresh.close()
    assert import_(other, file, newer, now=200.0, progress=quietly).taken == WAITING + 1
    assert verify(other, newer, progress=quietly).opened == 2 * (WAITING + 1)


async def test_taking_over_an_old_journal_writes_no_body_again(path: Path) -> None:
    """Cheap: however much it holds, a few pages are written."""
    size = 2_000_000
    connection = before(path)
    with connection:
        connection.execute(
            "INSERT INTO enrollment (id, identity, fingerprint, station, status, phase, priority,"
            " rank, attempts, size, accepted_at)"
            " VALUES ('0197d5a2-0000-7000-8000-000000000001', x'01', x'02', 'desk', 'pending',"
            " 'ready', 3, 1.0, 0, ?, 1.0)",
            (size,),
        )
        connection.execute(
            "INSERT INTO content (seq, envelope_key, body_key, envelope, body)"
            " VALUES (1, x'aa', x'bb', x'cc', zeroblob(?))",
            (size,),
        )
        connection.execute("UPDATE counter SET value = 1 WHERE name IN ('accepted', 'pending')")
    connection.close()
    was = path.stat().st_size
    journal = SqliteJournal(path)
    await journal.open(now=100.0)
    await journal.close()
    assert path.stat().st_size - was <= 4 * int(SETTINGS["page_size"])


async def test_a_damaged_journal_of_the_old_layout_is_salvaged_to_the_new_one(
    old_path: Path,
) -> None:
    connection = apsw.Connection(str(old_path))
    connection.execute("UPDATE enrollment SET phase = 'reedy' WHERE seq = ?", (ENDED + 2,))
    connection.pragma("wal_checkpoint(TRUNCATE)")
    connection.close()
    journal = SqliteJournal(old_path)
    await journal.open(now=100.0)
    assert any("salvaged" in sentence for sentence in await journal.damage())
    for number in range(ENDED + 1, ENDED + WAITING + 1):
        kept = await journal.load(enrollment(number).id)
        assert kept is not None
        if number == ENDED + 2:
            assert (kept.life.status, kept.life.reason) == (Status.DEAD_LETTER, "lost")
        else:
            assert SEALER.open(kept) == enrollment(number)
    await journal.close()
