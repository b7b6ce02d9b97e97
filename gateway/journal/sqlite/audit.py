"""The audit's table: records are added at its end, and none is ever taken out."""

from gateway.journal.chain import linked
from gateway.journal.contract import AuditRecord
from gateway.journal.sqlite import rows
from gateway.journal.sqlite.session import Session

_LIST = f"SELECT {rows.AUDIT} FROM audit WHERE ? IS NULL OR seq < ? ORDER BY seq DESC LIMIT ?"  # noqa: S608 - constants
_INSERT = f"INSERT INTO audit ({rows.AUDIT}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - as above


class Audit:
    """Used inside a transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, record: AuditRecord) -> AuditRecord:
        """Behind the last one; its number and its link are given here."""
        last = self.list(limit=1, before=None)
        made = linked(last[0] if last else None, record)
        self._session.execute(
            _INSERT,
            (made.seq, made.at, made.actor, made.action, made.subject, made.detail, made.link),
        )
        return made

    def list(self, *, limit: int, before: int | None) -> tuple[AuditRecord, ...]:
        """The newest first."""
        found = self._session.execute(_LIST, (before, before, limit))
        return tuple(rows.audit(row) for row in found)
