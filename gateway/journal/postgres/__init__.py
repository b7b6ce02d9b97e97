"""The journal that several gateways share: PostgreSQL, with its own replication beneath."""

from gateway.journal.postgres.durability import NotDurable
from gateway.journal.postgres.journal import PostgresJournal

__all__ = ["NotDurable", "PostgresJournal"]
