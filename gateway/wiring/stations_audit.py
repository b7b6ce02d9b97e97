"""What changed in the stations' tokens file goes into the audit, whoever wrote it and however.

The file says when each station was added and revoked, and by whom; the journal remembers up to
where that is recorded. So nothing is missed while no gateway runs, and nothing is recorded twice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.clock import Clock
from gateway.core.facts import OperatorActed, Publish
from gateway.intake.station_file import StationEntry
from gateway.journal.contract import Journal, JournalFault

SEEN: Final = "stations_audited"
"""The note with the last change that is recorded."""
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One line's change, in the order in which they are recorded."""

    at: str
    name: str
    action: str
    by: str


def changes(entries: Sequence[StationEntry]) -> list[Change]:
    """All that a file tells of, the oldest first."""
    found = []
    for each in entries:
        found.append(
            Change(each.created_at or "", each.name, "station added", each.created_by or _UNKNOWN)
        )
        if each.revoked_at:
            by = each.revoked_by or _UNKNOWN
            found.append(Change(each.revoked_at, each.name, "station revoked", by))
    return sorted(found)


@dataclass(frozen=True, slots=True)
class StationsAudit:
    """Records what a file tells of and the journal does not know yet."""

    journal: Journal
    publish: Publish
    clock: Clock

    async def look(self, entries: Sequence[StationEntry]) -> None:
        """Record it. A journal that cannot take it now is told it at the next change or start."""
        try:
            await self._record(changes(entries))
        except JournalFault as fault:
            structlog.get_logger("gateway").error("stations_not_audited", reason=str(fault))

    async def _record(self, told: Sequence[Change]) -> None:
        noted = await self.journal.recall(SEEN)
        seen = Change(*json.loads(noted)) if noted else None
        new = [each for each in told if seen is None or each > seen]
        for each in new:
            kept = await self.journal.audit(
                each.by, each.action, each.name, f"at {each.at}", now=self.clock.now()
            )
            self.publish(OperatorActed(kept.seq, kept.link, kept.actor, kept.action, kept.subject))
        if new:
            last = new[-1]
            await self.journal.remember(
                SEEN, json.dumps([last.at, last.name, last.action, last.by])
            )
