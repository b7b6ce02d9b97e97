"""The sealed parts of an enrollment: what opens them, and apart from it what is long.

A large body goes into the file of bodies, see ``bodies.store``; all else into rows.

Theory: a body is erased when its data key is. So the keys are in rows that stay where they are: a
row that grew might be moved, and leave copies of its neighbours on pages that are only freed. A
final enrollment's row loses a key and gets another of the same length. The body's own row is
deleted, and its pages take the next bodies; copies of it that are left there open with no key.

Must not know an enrollment's life.
"""

from gateway.journal.contract import Entry, Sealed
from gateway.journal.sqlite.bodies import Bodies, is_large
from gateway.journal.sqlite.session import Session

_KEYS = "INSERT INTO content (seq, envelope_key, body_key, envelope) VALUES (?, ?, ?, ?)"
_BODY = "INSERT INTO body (seq, data) VALUES (?, ?)"
_ANSWER = "INSERT OR REPLACE INTO answer (seq, data) VALUES (?, ?)"
# A row from before bodies stood apart has its body, too; in another it is NULL already.
_ERASE = "UPDATE content SET body_key = NULL, body = NULL WHERE seq = ?"
_ERASE_ANSWERED = """
UPDATE content SET body_key = NULL, body = NULL, answer_key = ?, answer = NULL WHERE seq = ?"""
_ANSWERED = "UPDATE content SET answer_key = ?, answer = NULL WHERE seq = ?"


class Contents:
    """Puts them into the file, and takes them out."""

    def __init__(self, session: Session, bodies: Bodies) -> None:
        self._execute = session.execute
        self._connection = session.connection
        self._bodies = bodies

    def put(self, seq: int, entry: Entry, *, spare: int) -> int:
        """The envelope and the body of a new enrollment.

        Returns by how many bytes the file of bodies grew; it may by ``spare``.
        """
        envelope, body = entry.envelope, entry.body
        self._execute(_KEYS, (seq, envelope.key, body.key, envelope.data))
        if is_large(body.data):
            return self._bodies.put(seq, body.data, spare=spare)
        self._execute(_BODY, (seq, body.data))
        return 0

    def answered(self, seq: int, answer: Sealed) -> None:
        """The server's answer to one that is not final."""
        self._execute(_ANSWERED, (answer.key, seq))
        self._execute(_ANSWER, (seq, answer.data))

    def erase_body(self, seq: int, answer: Sealed | None) -> None:
        """Of one that is final now; the answer, where there is one, comes with it."""
        if answer is None:
            self._execute(_ERASE, (seq,))
        else:
            self._execute(_ERASE_ANSWERED, (answer.key, seq))
            self._execute(_ANSWER, (seq, answer.data))
        self._execute("DELETE FROM body WHERE seq = ?", (seq,))
        if self._connection.changes() == 0:
            self._bodies.erase(seq)

    def forget(self, seq: int) -> None:
        """All that is left of a final one."""
        self._execute("DELETE FROM content WHERE seq = ?", (seq,))
        self._execute("DELETE FROM answer WHERE seq = ?", (seq,))
