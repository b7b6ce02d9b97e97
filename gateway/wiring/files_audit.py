"""What changed in a file that commands write goes into the audit, however it came there.

The stations' tokens and the receipts' signing keys may change beside a running gateway, which alone
writes the journal. So each file says what was changed in it, when, and by whom; the journal
remembers up to where that is recorded. Nothing is missed while no gateway runs, and nothing is
recorded twice.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from gateway.clock import Clock
from gateway.core.facts import OperatorActed, Publish
from gateway.intake import signing, station_file
from gateway.intake.signing import Rotation
from gateway.intake.station_file import StationEntry
from gateway.journal.contract import Journal, JournalFault
from gateway.wiring.renewal import Renewal
from gateway.wiring.shared import Shared

STATIONS: Final = "stations_audited"
RECEIPT_KEYS: Final = "receipt_keys_audited"
"""The notes with the last change of each file that is recorded."""
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change, in the order in which they are recorded. ``at``: RFC 3339, empty if not told."""

    at: str
    name: str
    action: str
    by: str


def changes_of_stations(entries: Sequence[StationEntry]) -> list[Change]:
    """All that a tokens file tells of, the oldest first."""
    found = []
    for each in entries:
        found.append(
            Change(each.created_at or "", each.name, "station added", each.created_by or _UNKNOWN)
        )
        if each.revoked_at:
            by = each.revoked_by or _UNKNOWN
            found.append(Change(each.revoked_at, each.name, "station revoked", by))
    return sorted(found)


def changes_of_receipt_keys(rotations: Sequence[Rotation]) -> list[Change]:
    """All that a file of signing keys tells of, the oldest first."""
    return sorted(Change(each.at, each.kid, "receipt keys rotated", each.by) for each in rotations)


@dataclass(frozen=True, slots=True)
class FileAudit:
    """Records what a file tells of and the journal does not know yet.

    Attributes:
        file: names it in the log.
        seen: the journal's note of the last change that is recorded.
    """

    file: str
    seen: str
    journal: Journal
    publish: Publish
    clock: Clock

    async def look(self, told: Sequence[Change]) -> None:
        """Record it. A journal that cannot take it now is told it at the next change or start."""
        try:
            await self._record(told)
        except JournalFault as fault:
            structlog.get_logger("gateway").error(
                "file_not_audited", where=self.file, reason=str(fault)
            )

    async def _record(self, told: Sequence[Change]) -> None:
        noted = await self.journal.recall(self.seen)
        seen = Change(*json.loads(noted)) if noted else None
        for each in told:
            if seen is not None and each <= seen:
                continue
            becomes = json.dumps([each.at, each.name, each.action, each.by])
            kept = await self.journal.audit_once(
                *(each.by, each.action, each.name, f"at {each.at}"),
                note=self.seen,
                was=noted,
                becomes=becomes,
                now=self.clock.now(),
            )
            if kept is None:  # another gateway of this journal has read the file, too
                return
            noted = becomes
            self.publish(OperatorActed(kept.seq, kept.link, kept.actor, kept.action, kept.subject))


async def files_audited(shared: Shared, journal: Journal) -> None:
    """What commands changed in these files is recorded now, and whenever it changes again.

    Raises:
        StationsFault, ReceiptKeyFault: a file holds something else.
    """
    tokens, keys = shared.settings.stations.tokens_file, shared.paths.receipt_keys
    if tokens is not None:
        audit = FileAudit("stations.tokens_file", STATIONS, journal, shared.publish, shared.clock)
        await _file_audited(
            shared, audit, tokens, lambda: changes_of_stations(station_file.entries(tokens))
        )
    audit = FileAudit("receipts.key_file", RECEIPT_KEYS, journal, shared.publish, shared.clock)
    await _file_audited(
        shared, audit, keys, lambda: changes_of_receipt_keys(signing.rotations(keys))
    )


async def _file_audited(
    shared: Shared, audit: FileAudit, file: Path, told: Callable[[], list[Change]]
) -> None:
    shared.renewals.append(
        Renewal(audit.file, (file,), make=told, use=audit.look, what="file_audit")
    )
    await audit.look(told())
