"""What operators do by commands goes into the same audit as what they ask of a gateway."""

from uuid import uuid4

from gateway.journal.contract import AuditRecord
from gateway.journal.postgres.audit import add
from gateway.journal.postgres.offline import connected


async def audit(url: str, record: AuditRecord) -> None:
    """Add a record at the chain's end; durable when it returns.

    Raises:
        JournalFault: see ``offline.connected``.
    """
    async with connected(url) as session:
        await session.begin()
        await add(session, record, str(uuid4()))
        session.be_sure()
        await session.ready()
        await session.commit()
