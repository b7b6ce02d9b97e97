"""The contract on PostgreSQL: each method is one call to the writer.

Must not know SQL, which is in the modules beside it, nor how calls are gathered (``writer``), who
delivers (``duty``), or what a session must be (``sessions``).
"""

import asyncio
import contextlib
import re
import secrets
import socket
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NoReturn

from gateway.clock import Clock, SystemClock
from gateway.core.facts import Fact, Publish
from gateway.core.lease import LeaseTimes
from gateway.core.lifecycle import Status
from gateway.journal.contract import (
    Accepted,
    AuditRecord,
    Change,
    DuePage,
    Entry,
    Existing,
    JournalFault,
    Kept,
    Life,
    Totals,
    Usage,
)
from gateway.journal.postgres import accepting, audit, forgetting, moving, notes, opening, reading
from gateway.journal.postgres.accepting import Offer
from gateway.journal.postgres.audit import Noted
from gateway.journal.postgres.calls import Calls
from gateway.journal.postgres.duty import Duty
from gateway.journal.postgres.faults import fault_of
from gateway.journal.postgres.hints import Hints
from gateway.journal.postgres.moving import Decision, Intent
from gateway.journal.postgres.opening import Migration
from gateway.journal.postgres.reading import Filters
from gateway.journal.postgres.session import Session
from gateway.journal.postgres.sessions import Sessions
from gateway.journal.postgres.writer import Writer
from gateway.journal.sharing import Heard, Hint, Turn

PATIENCE_SECONDS: Final = 8.0
_CLOSING_SECONDS: Final = 5.0
_TURNS_TO_CLOSE: Final = 3
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOBODY: Final = str(uuid.UUID(int=0))
WITHDRAWN: Final = "withdrawn"


def _to_nobody(_fact: Fact) -> None:
    pass


def own_name() -> str:
    """A name that no other process has: machine and a few random letters."""
    return f"{socket.gethostname()[:32]}/{secrets.token_hex(4)}"


class PostgresJournal:
    """See ``contract.Journal`` and ``sharing.SharedJournal``."""

    def __init__(
        self,
        url: str,
        *,
        max_bytes: int = 21_474_836_480,
        name: str | None = None,
        clock: Clock | None = None,
        times: LeaseTimes | None = None,
        publish: Publish = _to_nobody,
        schema: Sequence[Migration] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Describe it; ``open`` connects.

        Args:
            url: ``postgresql://…``, perhaps with several hosts; the primary among them is found.
            max_bytes: beyond it ``accept`` raises ``JournalFull``.
            name: of this gateway, for people; no other may have it.
            clock: for the lease.
            times: of the lease.
            publish: is told of each group commit.
            schema: the migrations that this gateway knows.
            patience_seconds: a call that is not done by then raises ``JournalFault``.
        """
        self.name = name or own_name()
        self._max_bytes = max_bytes
        self._clock = clock or SystemClock()
        self._publish = publish
        self._sessions = Sessions(
            url,
            name=self.name,
            schema=opening.migrations() if schema is None else list(schema),
        )
        self._calls = Calls(patience_seconds=patience_seconds)
        self._duty = Duty(
            self._calls, self._sessions, name=self.name, clock=self._clock, times=times
        )
        self._hints = Hints(partial(opening.connect, url, name=self.name), name=self.name)
        self._hinting: asyncio.Task[None] | None = None

    @property
    def durability(self) -> str:
        """See the contract."""
        return self._sessions.durability

    # -- open and close --------------------------------------------------------------------------

    async def open(self, *, now: float) -> int:
        """See the contract. Takes the turn to deliver, if it is free."""
        if self._calls.writer is not None:
            raise JournalFault("this journal is open already; close it first")
        try:
            session = await self._sessions.make(migrate=True)
        except Exception as error:
            raise fault_of(error) from error
        writer = Writer(
            self._sessions.make,
            epoch=lambda: self._duty.epoch,
            turn_lost=self._duty.lost,
            committed=self._hint,
            publish=self._publish,
        )
        writer.start(session)
        self._calls.writer = writer
        self._hinting = asyncio.get_running_loop().create_task(self._hints.run())
        try:
            return (await self.turn(now=now, word="")).recovered or 0
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See the contract. Gives the turn back."""
        writer = self._calls.writer
        if writer is None:
            return
        with contextlib.suppress(JournalFault):
            await self.resign()
        self._calls.writer = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_SECONDS):
                await writer.stop()
        if self._hinting is not None:
            self._hinting.cancel()
            await asyncio.gather(self._hinting, return_exceptions=True)
        for _ in range(_TURNS_TO_CLOSE):
            # A connection that was dropped is closed by the loop's next turn.
            await asyncio.sleep(0)

    # -- whose turn it is ------------------------------------------------------------------------

    async def turn(self, *, now: float, word: str) -> Turn:
        """See ``SharedJournal``."""
        return await self._duty.turn(now=now, word=word)

    async def resign(self) -> None:
        """See ``SharedJournal``."""
        if await self._duty.resign():
            self._hints.tell(Hint.TOLD)

    def may_send(self) -> bool:
        """See ``SharedJournal``."""
        return self._duty.may_send()

    def listen(self, heard: Heard) -> None:
        """See ``SharedJournal``."""
        self._hints.listen(heard)

    def tell(self, hint: Hint) -> None:
        """See ``SharedJournal``."""
        self._hints.tell(hint)

    def _hint(self, session: Session) -> None:
        """What others may wait for is durable now."""
        if session.ended:
            self._hints.tell(Hint.ENDED, session.ended)
        if session.waiting and self._duty.epoch is None:
            self._hints.tell(Hint.DUE)

    # -- the contract ----------------------------------------------------------------------------

    async def until_broken(self) -> NoReturn:
        """See the contract: a server that fails a sync ends by itself, and another takes over."""
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def damage(self) -> tuple[str, ...]:
        """See the contract."""
        return await self._calls.read(reading.damage)

    async def accept(self, entry: Entry, *, sending: bool) -> Accepted | Existing:
        """See the contract."""
        offer = Offer(entry, sending)

        def orphaned(answer: Accepted | Existing) -> None:
            # Nobody will send it: its slot is given back, and so is its intent.
            if isinstance(answer, Accepted) and answer.status is Status.SENDING:
                self._withdraw(entry.id)

        answer: Accepted | Existing = await self._calls.call(
            self._accept, offer, size=offer.stored, orphaned=orphaned
        )
        return answer

    async def _accept(self, session: Session, offers: Sequence[Offer]) -> Sequence[Any]:
        if self._sessions.refused is not None:
            return [self._sessions.refused] * len(offers)
        limits = accepting.Limits(self._max_bytes, self._duty.stations)
        return await accepting.accept(session, offers, limits)

    async def find(self, enrollment_id: str) -> Kept | None:
        """See the contract."""
        return await self._calls.read(reading.find, _uuid(enrollment_id))

    async def find_identity(self, identity: bytes) -> Kept | None:
        """See the contract."""
        return await self._calls.read(reading.find_identity, identity)

    async def load(self, enrollment_id: str) -> Kept | None:
        """See the contract."""
        return await self._calls.read(reading.load, _uuid(enrollment_id))

    async def ended(self, ids: Sequence[str]) -> tuple[Kept, ...]:
        """See ``SharedJournal``."""
        return await self._calls.read(reading.ended, ids)

    async def due(self, *, now: float, limit: int) -> DuePage:
        """See the contract."""
        return await self._calls.read(reading.due, now=now, limit=limit)

    async def begin(self, enrollment_id: str, *, now: float, whole: bool = True) -> Kept | None:
        """See the contract. Its only patience is the lease's: an intent must not be left alone."""

        def orphaned(kept: Kept | None) -> None:
            if kept is not None:
                self._withdraw(enrollment_id)

        intent = Intent(_uuid(enrollment_id), now, whole)
        begun: Kept | None = await self._calls.call(
            moving.begin, intent, key=enrollment_id, orphaned=orphaned
        )
        return begun

    async def change(self, enrollment_id: str, change: Change, *, now: float) -> bool:
        """See the contract."""
        size = accepting.ROW_BYTES + (len(change.answer.data) if change.answer is not None else 0)
        decision = Decision(_uuid(enrollment_id), change, now)
        made: bool = await self._calls.call(moving.change, decision, key=enrollment_id, size=size)
        return made

    async def totals(self) -> Totals:
        """See the contract."""
        return await self._calls.read(reading.totals)

    async def list(
        self,
        *,
        statuses: Sequence[Status] = (),
        accepted_before: float | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> tuple[Life, ...]:
        """See the contract."""
        start = None if after is None else _uuid(after)
        return await self._calls.read(
            reading.list_lives, Filters(statuses, accepted_before, start, limit)
        )

    async def usage(self) -> Usage:
        """See the contract. Bytes of what is alive: the database's disk is not seen from here."""
        used = await self._calls.read(lambda session: session.figures.bytes())
        return Usage(used, self._max_bytes, None)

    async def forget(self, *, settled_before: float, limit: int) -> int:
        """See the contract."""
        return await self._calls.read(forgetting.forget, settled_before=settled_before, limit=limit)

    async def remember(self, name: str, value: str) -> None:
        """See the contract."""
        await self._calls.read(notes.remember, name, value)

    async def claim(self, name: str, value: str) -> str:
        """Keep a text unless there is one under this name; what is there now."""
        return await self._calls.read(notes.claim, name, value)

    async def recall(self, name: str) -> str | None:
        """See the contract."""
        return await self._calls.read(notes.recall, name)

    async def audit(
        self, actor: str, action: str, subject: str, detail: str, *, now: float
    ) -> AuditRecord:
        """See the contract."""
        record = AuditRecord(0, now, actor, action, subject, detail)
        return await self._calls.read(audit.add, record, str(uuid.uuid4()))

    async def audit_once(
        self,
        actor: str,
        action: str,
        subject: str,
        detail: str,
        *,
        note: str,
        was: str | None,
        becomes: str,
        now: float,
    ) -> AuditRecord | None:
        """See the contract."""
        record = AuditRecord(0, now, actor, action, subject, detail)
        changed = Noted(note, was, becomes)
        return await self._calls.read(audit.add_once, record, str(uuid.uuid4()), changed)

    async def audit_list(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditRecord, ...]:
        """See the contract."""
        return await self._calls.read(audit.latest, limit=limit, before=before)

    # -- inside ----------------------------------------------------------------------------------

    def _withdraw(self, enrollment_id: str) -> None:
        """An intent that nobody acts on: nothing was sent, and it waits for its turn again."""
        now = self._clock.now()
        back = Change(Status.PENDING, WITHDRAWN, now, was=Status.SENDING)
        self._calls.leave(moving.change, Decision(enrollment_id, back, now), key=enrollment_id)


def _uuid(text: str) -> str:
    """The id, or one that nobody has for a text that is none."""
    return text if _ID.fullmatch(text) else _NOBODY
