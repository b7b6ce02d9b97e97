"""What commands changed in a file is in the audit, once, with who did it."""

import asyncio
from pathlib import Path

from gateway.core.facts import Fact, OperatorActed
from gateway.intake import signing, station_file
from gateway.journal.chain import check
from gateway.journal.memory import MemoryJournal
from gateway.wiring.files_audit import (
    RECEIPT_KEYS,
    STATIONS,
    FileAudit,
    changes_of_receipt_keys,
    changes_of_stations,
)
from tests.support.clock import ManualClock


async def audited(journal: MemoryJournal) -> list[tuple[str, str, str, str]]:
    records = list(reversed(await journal.audit_list()))
    assert check(records).holds
    return [(each.actor, each.action, each.subject, each.detail) for each in records]


def stations_audit(journal: MemoryJournal, facts: list[Fact]) -> FileAudit:
    return FileAudit("stations.tokens_file", STATIONS, journal, facts.append, ManualClock())


async def test_each_change_is_recorded_once_with_who_and_when(tmp_path: Path) -> None:
    file, journal, facts = tmp_path / "stations.json", MemoryJournal(), list[Fact]()
    await journal.open(now=0.0)
    audit = stations_audit(journal, facts)
    station_file.add(file, "balaraja-1", by="ana on desk", now=1.0)
    station_file.add(file, "balaraja-2", by="budi on desk", now=2.0)
    first = [
        ("ana on desk", "station added", "balaraja-1", "at 1970-01-01T00:00:01.000Z"),
        ("budi on desk", "station added", "balaraja-2", "at 1970-01-01T00:00:02.000Z"),
    ]
    for _ in range(2):
        await audit.look(changes_of_stations(station_file.entries(file)))
        assert await audited(journal) == first
    station_file.revoke(file, "balaraja-1", by="citra on desk", now=3.0)
    again = stations_audit(journal, facts)  # as after a start
    await again.look(changes_of_stations(station_file.entries(file)))
    revoked = ("citra on desk", "station revoked", "balaraja-1", "at 1970-01-01T00:00:03.000Z")
    assert await audited(journal) == [*first, revoked]
    acted = [fact for fact in facts if isinstance(fact, OperatorActed)]
    assert [(fact.actor, fact.subject) for fact in acted][-1] == ("citra on desk", "balaraja-1")
    assert [fact.seq for fact in acted] == [1, 2, 3]


async def test_two_gateways_that_read_one_file_record_each_change_once(tmp_path: Path) -> None:
    file, journal, facts = tmp_path / "stations.json", MemoryJournal(), list[Fact]()
    await journal.open(now=0.0)
    for number in range(3):
        station_file.add(file, f"balaraja-{number}", by="ana on desk", now=float(number))
    told = changes_of_stations(station_file.entries(file))
    await asyncio.gather(*(stations_audit(journal, facts).look(told) for _ in range(2)))
    assert [subject for _, _, subject, _ in await audited(journal)] == [
        f"balaraja-{number}" for number in range(3)
    ]
    assert len(facts) == 3


async def test_a_journal_that_cannot_take_it_is_told_later(tmp_path: Path) -> None:
    file, journal, facts = tmp_path / "stations.json", MemoryJournal(), list[Fact]()
    station_file.add(file, "balaraja-1", now=1.0)
    audit = stations_audit(journal, facts)
    told = changes_of_stations(station_file.entries(file))
    await audit.look(told)  # it is not open: no error gets out
    assert facts == []
    await journal.open(now=0.0)
    await audit.look(told)
    assert [each[:3] for each in await audited(journal)] == [
        ("unknown", "station added", "balaraja-1")
    ]


async def test_each_rotation_of_the_receipts_keys_is_recorded_once(tmp_path: Path) -> None:
    file, journal, facts = tmp_path / "receipts.json", MemoryJournal(), list[Fact]()
    await journal.open(now=0.0)
    audit = FileAudit("receipts.key_file", RECEIPT_KEYS, journal, facts.append, ManualClock())
    signing.load_or_create(file)
    await audit.look(changes_of_receipt_keys(signing.rotations(file)))
    assert await audited(journal) == []  # the first key is nobody's act
    expected = []
    for second, by in ((1, "ana on desk"), (2, "budi on desk")):
        signing.rotate(file, by=by, now=float(second))
        kid = signing.load_or_create(file).jwks()["keys"][0]["kid"]
        at = f"at 1970-01-01T00:00:0{second}.000Z"
        expected.append((by, "receipt keys rotated", kid, at))
        for _ in range(2):
            await audit.look(changes_of_receipt_keys(signing.rotations(file)))
        assert await audited(journal) == expected
    assert [fact.subject for fact in facts if isinstance(fact, OperatorActed)] == [
        kid for _, _, kid, _ in expected
    ]
    assert [each.by for each in signing.rotations(file)] == ["ana on desk", "budi on desk"]


async def test_who_rotated_the_keys_is_not_published_with_them(tmp_path: Path) -> None:
    file = tmp_path / "receipts.json"
    signing.load_or_create(file)
    signing.rotate(file, by="ana on desk", now=1.0)
    assert "ana" in file.read_text()
    assert "ana" not in str(signing.load_or_create(file).jwks())
