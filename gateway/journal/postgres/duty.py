"""Whose turn it is to deliver: what the lease's row says, and what this gateway knows of it.

When a lease may be taken or trusted is decided in ``core.lease``; its statements are in ``lease``.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.clock import Clock
from gateway.core.lease import Lease, LeaseTimes
from gateway.journal.postgres import figures, lease, moving
from gateway.journal.postgres.calls import Calls
from gateway.journal.postgres.session import Session
from gateway.journal.postgres.sessions import Sessions
from gateway.journal.sharing import Turn


class Duty:
    """The lease as this gateway holds or sees it.

    Attributes:
        stations: that have ever sent, as of the last look.
    """

    def __init__(
        self,
        calls: Calls,
        sessions: Sessions,
        *,
        name: str,
        clock: Clock,
        times: LeaseTimes | None,
    ) -> None:
        self.stations = 0
        self._calls = calls
        self._sessions = sessions
        self._name = name
        self._clock = clock
        self._lease = Lease(times)

    @property
    def epoch(self) -> int | None:
        """Of the lease that this gateway holds, as far as it knows; None: it holds none."""
        return self._lease.epoch

    def lost(self) -> None:
        """The journal says that it is another one's."""
        self._lease.lost()

    def may_send(self) -> bool:
        """See ``SharedJournal``."""
        return self._lease.may_send(now=self._clock.monotonic())

    async def turn(self, *, now: float, word: str) -> Turn:
        """See ``SharedJournal``. Looks at the durability, too: it must hold while it delivers."""
        asked: list[float] = []

        async def work(session: Session, _arguments: Sequence[Any]) -> list[lease.Row]:
            asked[:] = [self._clock.monotonic()]
            await self._sessions.check(session)
            self.stations = await figures.stations(session.connection)
            return [await self._row(session, now=now, word=word)]

        def then(row: lease.Row) -> None:
            if row.mine:
                self._lease.held(row.epoch, asked_at=asked[0])
            else:
                self._lease.seen(row.epoch, row.beat, now=self._clock.monotonic())

        row: lease.Row = await self._calls.call(work, alone=True, then=then)
        return Turn(row.mine, row.holder, row.epoch, row.word, row.recovered)

    async def _row(self, session: Session, *, now: float, word: str) -> lease.Row:
        epoch, connection = self._lease.epoch, session.connection
        if epoch is not None:
            renewed = await lease.renew(connection, self._name, epoch, word)
            session.changed += 1
            if renewed is not None:
                return renewed
        seen = await lease.look(connection)
        # Its own name: a taking over whose commit was not heard of.
        free = seen.holder in {None, self._name}
        if free or self._lease.may_take(now=self._clock.monotonic()):
            taken = await lease.take(connection, self._name, seen, word)
            if taken is not None:
                session.changed += 1
                return replace(taken, recovered=await moving.recover(session, now=now))
            seen = await lease.look(connection)
        return seen

    async def resign(self) -> bool:
        """See ``SharedJournal``; whether there was a turn to give back."""
        epoch = self._lease.epoch
        if epoch is None:
            return False
        self._lease.lost()

        async def work(session: Session, _arguments: Sequence[Any]) -> list[None]:
            await lease.give_back(session.connection, self._name, epoch)
            session.changed += 1
            return [None]

        await self._calls.call(work, alone=True)
        return True
