"""What operators do by commands goes into the same audit as what they ask of a gateway."""

from pathlib import Path

from gateway.journal.contract import AuditRecord
from gateway.journal.sqlite.audit import Audit
from gateway.journal.sqlite.offline import opened
from gateway.journal.sqlite.session import Session


def audit(path: Path, record: AuditRecord) -> None:
    """Add a record at the chain's end; durable when it returns.

    Raises:
        JournalFault: see ``offline.opened``.
    """
    with opened(path) as connection, connection:
        Audit(Session(connection)).add(record)
