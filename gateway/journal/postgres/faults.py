"""What an error of PostgreSQL, or of the way to it, means for the journal's promises."""

from typing import Final

from asyncpg import exceptions

from gateway.journal.contract import JournalFault, JournalFull

# The session is gone, or talks to a server that is not the primary any more: connect again.
LOST: Final = (
    OSError,
    TimeoutError,
    EOFError,
    exceptions.PostgresConnectionError,
    exceptions.InternalClientError,
    exceptions.OperatorInterventionError,  # shutting down, starting up
    exceptions.ReadOnlySQLTransactionError,
    exceptions.IdleInTransactionSessionTimeoutError,
    exceptions.TooManyConnectionsError,
    exceptions.TargetServerAttributeNotMatched,
)
# Worth the same try again: another gateway was in the way.
IN_THE_WAY: Final = (
    exceptions.TransactionRollbackError,  # deadlock, serialization
    exceptions.LockNotAvailableError,
)
AWAY: Final = (
    "the journal's database does not answer; it goes on when a primary does, see journal.url"
)


def fault_of(error: Exception) -> JournalFault:
    """The fault that the caller sees. No value of a row is in its text."""
    if isinstance(error, JournalFault):
        return error
    if isinstance(error, exceptions.DiskFullError):
        return JournalFull("no space is left on the database's disk; it goes on when there is")
    if isinstance(error, LOST):
        return JournalFault(AWAY)
    # The server's own text may quote a row's values; its class and code do not.
    code = getattr(error, "sqlstate", None) or "no code"
    return JournalFault(f"the journal could not do this: {type(error).__name__} ({code})")
