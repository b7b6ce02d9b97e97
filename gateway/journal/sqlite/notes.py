"""Small texts under a name, and what the journal tells of its damage."""

from gateway.journal import damage
from gateway.journal.sqlite.session import Session

_QUARANTINED = """
SELECT reason, count(*) FROM enrollment
WHERE status = 'dead_letter' AND reason IN ('unreadable', 'lost') GROUP BY reason"""


class Notes:
    """Used inside a transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def remember(self, name: str, value: str) -> None:
        """Keep a text."""
        self._session.execute(
            "INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (name, value)
        )

    def recall(self, name: str) -> str | None:
        """The text, if there is one."""
        row = self._session.one("SELECT value FROM note WHERE name = ?", name)
        return None if row is None else str(row[0])

    def damage(self) -> tuple[str, ...]:
        """Quarantined dead letters have an index of their own."""
        found = dict(self._session.execute(_QUARANTINED).fetchall())
        return damage.told(found, self.recall(damage.NOTE))

    def add_damage(self, sentence: str) -> None:
        """Tell this too, until an operator has taken note of it."""
        noted = self.recall(damage.NOTE)
        self.remember(damage.NOTE, f"{noted}\n{sentence}" if noted else sentence)
