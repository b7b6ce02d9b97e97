"""The journal on one machine: SQLite, one file, one connection, one thread that writes."""

from gateway.journal.sqlite.journal import SqliteJournal

__all__ = ["SqliteJournal"]
