"""The key file: made once, never replaced, and known again by its journal."""

import json
import stat
from pathlib import Path

import pytest

from gateway.journal.keyring import KeyRing, KeyRingFault, bind
from gateway.journal.memory import MemoryJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.key"


def test_the_first_start_makes_a_key_file_that_only_its_owner_can_read(path: Path) -> None:
    made = KeyRing.load_or_create(path, journal_exists=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing.load(path) == made


def test_the_second_start_takes_the_keys_that_are_there(path: Path) -> None:
    made = KeyRing.load_or_create(path, journal_exists=False)
    assert KeyRing.load_or_create(path, journal_exists=True) == made
    assert KeyRing.load_or_create(path, journal_exists=False) == made


@pytest.mark.fault(
    37,
    did="a journal without its key file",
    sees="refused, no new keys made",
    stand_in="the key ring, without a process",
)
def test_a_missing_key_file_beside_a_journal_is_never_replaced(path: Path) -> None:
    with pytest.raises(KeyRingFault, match="missing"):
        KeyRing.load_or_create(path, journal_exists=True)
    assert not path.exists()


def test_an_existing_key_file_is_never_overwritten(path: Path) -> None:
    ring = KeyRing.generate()
    ring.save(path)
    with pytest.raises(KeyRingFault, match="exists"):
        KeyRing.generate().save(path)
    assert KeyRing.load(path) == ring
    assert [each.name for each in path.parent.iterdir()] == [path.name], "no draft is left behind"


def test_several_keys_survive_the_file(path: Path) -> None:
    ring = KeyRing(
        index_key=b"i" * 32, keys={b"a" * 8: b"1" * 32, b"b" * 8: b"2" * 32}, active=b"b" * 8
    )
    ring.save(path)
    assert KeyRing.load(path) == ring


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"index_key": "AAAA"},
        {"index_key": "not base64!"},
        {"active": "00" * 8},
        {"active": "zz"},
        {"active": "00"},
        {"keys": []},
        {"keys": {"00" * 8: "AAAA"}},
    ],
)
def test_a_damaged_key_file_is_refused_without_quoting_it(
    path: Path, change: dict[str, object]
) -> None:
    KeyRing.generate().save(path)
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | change))
    with pytest.raises(KeyRingFault, match="damaged") as caught:
        KeyRing.load(path)
    assert document["index_key"] not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
def test_a_file_that_is_no_key_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(KeyRingFault, match="key file"):
        KeyRing.load(path)


def test_a_key_never_shows_in_a_repr() -> None:
    ring = KeyRing.generate()
    assert repr(ring) == f"KeyRing(active={ring.active!r})"


@pytest.mark.fault(
    37,
    did="the key file of another journal",
    sees="refused",
    stand_in="the key ring, without a process",
)
async def test_a_journal_knows_its_own_keys_again_and_refuses_others() -> None:
    journal = MemoryJournal()
    await journal.open(now=0.0)
    ring = KeyRing.generate()
    await bind(journal, ring)
    await bind(journal, ring)
    with pytest.raises(KeyRingFault, match="not the one"):
        await bind(journal, KeyRing.generate())
