"""Ends that came about at another gateway, for the stations that wait for them here.

A hint makes it quick; what waits is looked up from time to time all the same. Must not know who
delivers.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from typing import Final

from gateway.core.facts import EnrollmentSettled, Publish
from gateway.journal.contract import JournalFault
from gateway.journal.sealing import Sealer
from gateway.journal.sharing import Hint, SharedJournal

LOOK_EVERY_SECONDS: Final = 0.5


class Ends:
    """Looks for ends in the journal while somebody waits."""

    def __init__(
        self,
        *,
        journal: SharedJournal,
        sealer: Sealer,
        waited_for: Callable[[], Collection[str]],
        see: Publish,
    ) -> None:
        """Wire it up.

        Args:
            journal: where ends are written.
            sealer: opens the answers.
            waited_for: the ids that somebody waits for now.
            see: told of each end; nobody else is, it was counted where it came about.
        """
        self._journal = journal
        self._sealer = sealer
        self._waited_for = waited_for
        self._see = see
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        self._journal.listen(self._hear)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_SECONDS)
            self._wake.clear()
            ids = tuple(self._waited_for())
            if ids:
                with contextlib.suppress(JournalFault):
                    await self._look(ids)

    async def _look(self, ids: Sequence[str]) -> None:
        for kept in await self._journal.ended(ids):
            life = kept.life
            answer = None
            with contextlib.suppress(JournalFault):
                answer = self._sealer.open_answer(kept)
            self._see(EnrollmentSettled(life.id, life.status, life.reason or "", answer))

    def _hear(self, hint: Hint, ids: Sequence[str]) -> None:
        if hint is Hint.ENDED and not set(self._waited_for()).isdisjoint(ids):
            self._wake.set()
