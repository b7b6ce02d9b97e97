"""The journal on one machine: SQLite on the event loop, and a thread that waits for the disk."""

from gateway.journal.sqlite.journal import SqliteJournal

__all__ = ["SqliteJournal"]
