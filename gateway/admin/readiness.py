"""Ready: can the gateway promise anything? That is, would the journal take one more enrollment."""

import asyncio
from typing import Final

from gateway.journal.contract import Journal, JournalFault

PATIENCE_SECONDS: Final = 2.0


async def can_promise(journal: Journal) -> tuple[bool, str]:
    """Whether it can, and why not in a few words."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            usage = await journal.usage()
    except TimeoutError:
        return False, "the journal does not answer; look at its disk"
    except JournalFault as fault:
        return False, str(fault)
    if usage.full:
        return False, "the journal is full; see journal.max_bytes and the free space of its disk"
    return True, "ready"
