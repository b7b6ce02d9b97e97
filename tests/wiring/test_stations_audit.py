"""Stations that were added or revoked in the file are in the audit, once, with who did it."""

from pathlib import Path

from gateway.core.facts import Fact, OperatorActed
from gateway.intake import station_file
from gateway.journal.chain import check
from gateway.journal.memory import MemoryJournal
from gateway.wiring.stations_audit import StationsAudit
from tests.support.clock import ManualClock


async def audited(journal: MemoryJournal) -> list[tuple[str, str, str, str]]:
    records = list(reversed(await journal.audit_list()))
    assert check(records).holds
    return [(each.actor, each.action, each.subject, each.detail) for each in records]


async def test_each_change_is_recorded_once_with_who_and_when(tmp_path: Path) -> None:
    file, journal, facts = tmp_path / "stations.json", MemoryJournal(), list[Fact]()
    await journal.open(now=0.0)
    audit = StationsAudit(journal, facts.append, ManualClock())
    station_file.add(file, "balaraja-1", by="ana on desk", now=1.0)
    station_file.add(file, "balaraja-2", by="budi on desk", now=2.0)
    first = [
        ("ana on desk", "station added", "balaraja-1", "at 1970-01-01T00:00:01.000Z"),
        ("budi on desk", "station added", "balaraja-2", "at 1970-01-01T00:00:02.000Z"),
    ]
    for _ in range(2):
        await audit.look(station_file.entries(file))
        assert await audited(journal) == first
    station_file.revoke(file, "balaraja-1", by="citra on desk", now=3.0)
    again = StationsAudit(journal, facts.append, ManualClock())  # as after a start
    await again.look(station_file.entries(file))
    revoked = ("citra on desk", "station revoked", "balaraja-1", "at 1970-01-01T00:00:03.000Z")
    assert await audited(journal) == [*first, revoked]
    acted = [fact for fact in facts if isinstance(fact, OperatorActed)]
    assert [(fact.actor, fact.subject) for fact in acted][-1] == ("citra on desk", "balaraja-1")
    assert [fact.seq for fact in acted] == [1, 2, 3]


async def test_a_journal_that_cannot_take_it_is_told_later(tmp_path: Path) -> None:
    file, journal, facts = tmp_path / "stations.json", MemoryJournal(), list[Fact]()
    station_file.add(file, "balaraja-1", now=1.0)
    audit = StationsAudit(journal, facts.append, ManualClock())
    await audit.look(station_file.entries(file))  # it is not open: no error gets out
    assert facts == []
    await journal.open(now=0.0)
    await audit.look(station_file.entries(file))
    assert [each[:3] for each in await audited(journal)] == [
        ("unknown", "station added", "balaraja-1")
    ]
