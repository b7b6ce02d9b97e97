"""Forget what is final and has been kept long enough. Must not know what is in it."""

import asyncio
import contextlib

from gateway.clock import Clock
from gateway.journal.contract import Journal, JournalFault

EVERY_SECONDS = 60.0
AT_ONCE = 100  # a batch small enough not to keep an enrollment waiting


async def forget_settled(journal: Journal, *, clock: Clock, retention_seconds: float) -> None:
    """Forget, a batch at a time, until cancelled. A journal that cannot is asked again later."""
    while True:
        forgotten = 0
        with contextlib.suppress(JournalFault):
            forgotten = await journal.forget(
                settled_before=clock.now() - retention_seconds, limit=AT_ONCE
            )
        if forgotten < AT_ONCE:
            await asyncio.sleep(EVERY_SECONDS)
