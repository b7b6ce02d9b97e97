"""The contract on PostgreSQL: each method is one call to the writer.

Must not know SQL, which is in the modules beside it, nor how calls are gathered.
"""

import asyncio
import contextlib
import re
import secrets
import socket
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, NoReturn, TypeVar

from gateway.clock import Clock, SystemClock
from gateway.core.facts import Fact, Publish
from gateway.core.lease import Lease, LeaseTimes
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
from gateway.journal.postgres import accepting, figures, lease, moving, opening, reading
from gateway.journal.postgres.accepting import Offer
from gateway.journal.postgres.durability import NotDurable
from gateway.journal.postgres.faults import fault_of
from gateway.journal.postgres.hints import Hints
from gateway.journal.postgres.moving import Decision, Intent
from gateway.journal.postgres.opening import Migration
from gateway.journal.postgres.reading import Filters
from gateway.journal.postgres.session import Session
from gateway.journal.postgres.writer import Call, Work, Writer, away
from gateway.journal.sharing import Heard, Hint, Turn

T = TypeVar("T")
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
        self.durability = "fsync"
        self.name = name or own_name()
        self._url = url
        self._max_bytes = max_bytes
        self._clock = clock or SystemClock()
        self._lease = Lease(times)
        self._publish = publish
        self._schema = opening.migrations() if schema is None else list(schema)
        self._patience = patience_seconds
        self._shard = secrets.randbelow(1 << 16)
        self._refused: NotDurable | None = None
        self._stations = 0  # that have ever sent; as of the last look at the turn
        self._writer: Writer | None = None
        self._hints = Hints(partial(opening.connect, url, name=self.name), name=self.name)
        self._hinting: asyncio.Task[None] | None = None

    # -- open and close --------------------------------------------------------------------------

    async def open(self, *, now: float) -> int:
        """See the contract. Takes the turn to deliver, if it is free."""
        if self._writer is not None:
            raise JournalFault("this journal is open already; close it first")
        try:
            session = await self._session(migrate=True)
        except Exception as error:
            raise fault_of(error) from error
        writer = Writer(
            self._session,
            epoch=lambda: self._lease.epoch,
            turn_lost=self._lease.lost,
            committed=self._hint,
            publish=self._publish,
        )
        writer.start(session)
        self._writer = writer
        self._hinting = asyncio.get_running_loop().create_task(self._hints.run())
        try:
            return (await self.turn(now=now, word="")).recovered or 0
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See the contract. Gives the turn back."""
        writer = self._writer
        if writer is None:
            return
        with contextlib.suppress(JournalFault):
            await self.resign()
        self._writer = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_SECONDS):
                await writer.stop()
        if self._hinting is not None:
            self._hinting.cancel()
            await asyncio.gather(self._hinting, return_exceptions=True)
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(
                0
            )  # a connection that was dropped is closed by the loop's next turn

    async def _session(self, *, migrate: bool = False) -> Session:
        connection = await opening.connect(self._url, name=self.name)
        try:
            self.durability = await opening.how_durable(connection)
            if migrate:
                await opening.migrate(connection, self._schema)
            session = Session(connection, shard=self._shard)
            # A restarted server shows what its standbys may not have yet. They take commits in
            # order: once they have this one, they have all before it.
            session.be_sure()
            await session.begin()
            guard = asyncio.get_running_loop().call_later(
                opening.CONNECT_SECONDS, connection.terminate
            )
            try:
                await session.ready()
                await session.commit()
            finally:
                guard.cancel()
        except BaseException:
            connection.terminate()
            raise
        return session

    # -- whose turn it is ------------------------------------------------------------------------

    async def turn(self, *, now: float, word: str) -> Turn:
        """See ``SharedJournal``."""
        asked: list[float] = []

        async def work(session: Session, _arguments: Sequence[Any]) -> list[lease.Row]:
            asked[:] = [self._clock.monotonic()]
            await self._check_durability(session)
            self._stations = await figures.stations(session.connection)
            return [await self._turn(session, now=now, word=word)]

        def then(row: lease.Row) -> None:
            if row.mine:
                self._lease.held(row.epoch, asked_at=asked[0])
            else:
                self._lease.seen(row.epoch, row.beat, now=self._clock.monotonic())

        row: lease.Row = await self._call(work, alone=True, then=then)
        return Turn(row.mine, row.holder, row.epoch, row.word, row.recovered)

    async def _turn(self, session: Session, *, now: float, word: str) -> lease.Row:
        epoch = self._lease.epoch
        if epoch is not None:
            renewed = await lease.renew(session, self.name, epoch, word)
            if renewed is not None:
                return renewed
        seen = await lease.look(session)
        # Its own name: a taking over whose commit was not heard of.
        free = seen.holder in {None, self.name}
        if free or self._lease.may_take(now=self._clock.monotonic()):
            taken = await lease.take(session, self.name, seen, word, now=now)
            if taken is not None:
                return taken
            seen = await lease.look(session)
        return seen

    async def _check_durability(self, session: Session) -> None:
        try:
            self.durability = await opening.how_durable(session.connection)
        except NotDurable as fault:
            self._refused = fault
            raise
        self._refused = None

    async def resign(self) -> None:
        """See ``SharedJournal``."""
        epoch = self._lease.epoch
        if epoch is None:
            return
        self._lease.lost()

        async def work(session: Session, _arguments: Sequence[Any]) -> list[None]:
            await lease.give_back(session, self.name, epoch)
            return [None]

        await self._call(work, alone=True)
        self._hints.tell(Hint.TOLD)

    def may_send(self) -> bool:
        """See ``SharedJournal``."""
        return self._lease.may_send(now=self._clock.monotonic())

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
        if session.waiting and self._lease.epoch is None:
            self._hints.tell(Hint.DUE)

    # -- the contract ----------------------------------------------------------------------------

    async def until_broken(self) -> NoReturn:
        """See the contract: a server that fails a sync ends by itself, and another takes over."""
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def damage(self) -> tuple[str, ...]:
        """See the contract."""
        return await self._read(reading.damage)

    async def accept(self, entry: Entry, *, sending: bool) -> Accepted | Existing:
        """See the contract."""
        offer = Offer(entry, sending)

        def orphaned(answer: Accepted | Existing) -> None:
            # Nobody will send it: its slot is given back, and so is its intent.
            if isinstance(answer, Accepted) and answer.status is Status.SENDING:
                self._withdraw(entry.id)

        answer: Accepted | Existing = await self._call(
            self._accept, offer, size=offer.stored, orphaned=orphaned
        )
        return answer

    async def _accept(self, session: Session, offers: Sequence[Offer]) -> Sequence[Any]:
        if self._refused is not None:
            return [self._refused] * len(offers)
        limits = accepting.Limits(self._max_bytes, self._stations)
        return await accepting.accept(session, offers, limits)

    async def find(self, enrollment_id: str) -> Kept | None:
        """See the contract."""
        return await self._read(reading.find, _uuid(enrollment_id))

    async def find_identity(self, identity: bytes) -> Kept | None:
        """See the contract."""
        return await self._read(reading.find_identity, identity)

    async def load(self, enrollment_id: str) -> Kept | None:
        """See the contract."""
        return await self._read(reading.load, _uuid(enrollment_id))

    async def ended(self, ids: Sequence[str]) -> tuple[Kept, ...]:
        """See ``SharedJournal``."""
        return await self._read(reading.ended, ids)

    async def due(self, *, now: float, limit: int) -> DuePage:
        """See the contract."""
        return await self._read(reading.due, now=now, limit=limit)

    async def begin(self, enrollment_id: str, *, now: float) -> Kept | None:
        """See the contract. Its only patience is the lease's: an intent must not be left alone."""

        def orphaned(kept: Kept | None) -> None:
            if kept is not None:
                self._withdraw(enrollment_id)

        intent = Intent(_uuid(enrollment_id), now)
        begun: Kept | None = await self._call(
            moving.begin, intent, key=enrollment_id, orphaned=orphaned
        )
        return begun

    async def change(self, enrollment_id: str, change: Change, *, now: float) -> bool:
        """See the contract."""
        size = accepting.ROW_BYTES + (len(change.answer.data) if change.answer is not None else 0)
        decision = Decision(_uuid(enrollment_id), change, now)
        made: bool = await self._call(moving.change, decision, key=enrollment_id, size=size)
        return made

    async def totals(self) -> Totals:
        """See the contract."""
        return await self._read(reading.totals)

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
        return await self._read(
            reading.list_lives, Filters(statuses, accepted_before, start, limit)
        )

    async def usage(self) -> Usage:
        """See the contract. Bytes of what is alive: the database's disk is not seen from here."""
        used = await self._read(lambda session: session.figures.bytes())
        return Usage(used, self._max_bytes, None)

    async def forget(self, *, settled_before: float, limit: int) -> int:
        """See the contract."""
        return await self._read(reading.forget, settled_before=settled_before, limit=limit)

    async def remember(self, name: str, value: str) -> None:
        """See the contract."""
        await self._read(reading.remember, name, value)

    async def claim(self, name: str, value: str) -> str:
        """Keep a text unless there is one under this name; what is there now."""
        return await self._read(reading.claim, name, value)

    async def recall(self, name: str) -> str | None:
        """See the contract."""
        return await self._read(reading.recall, name)

    async def audit(
        self, actor: str, action: str, subject: str, detail: str, *, now: float
    ) -> AuditRecord:
        """See the contract."""
        record = AuditRecord(0, now, actor, action, subject, detail)
        return await self._read(reading.audit, record, str(uuid.uuid4()))

    async def audit_list(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditRecord, ...]:
        """See the contract."""
        return await self._read(reading.audit_list, limit=limit, before=before)

    # -- inside ----------------------------------------------------------------------------------

    def _withdraw(self, enrollment_id: str) -> None:
        """An intent that nobody acts on: nothing was sent, and it waits for its turn again."""
        now = self._clock.now()
        back = Change(Status.PENDING, WITHDRAWN, now, was=Status.SENDING)
        if self._writer is not None:
            decision = Decision(enrollment_id, back, now)
            future = asyncio.get_running_loop().create_future()
            self._writer.put(Call(moving.change, decision, future, key=enrollment_id))

    async def _read(
        self,
        one: Callable[..., Awaitable[T]],
        *values: Any,  # noqa: ANN401 - as ``one`` takes them
        **named: Any,  # noqa: ANN401 - as above
    ) -> T:
        """Something that is run by itself within the transaction."""

        async def work(session: Session, _arguments: Sequence[Any]) -> list[T]:
            return [await one(session, *values, **named)]

        result: T = await self._call(work)
        return result

    async def _call(
        self,
        work: Work,
        argument: Any = None,  # noqa: ANN401 - as ``work`` takes it
        *,
        key: str | None = None,
        size: int = 0,
        alone: bool = False,
        then: Callable[[Any], None] | None = None,
        orphaned: Callable[[Any], None] | None = None,
    ) -> Any:  # noqa: ANN401 - as ``work`` answers
        if self._writer is None:
            raise JournalFault("the journal is not open")
        future = asyncio.get_running_loop().create_future()
        call = Call(
            work, argument, future, key=key, size=size, alone=alone, then=then, orphaned=orphaned
        )
        self._writer.put(call)
        try:
            async with asyncio.timeout(self._patience):
                return await future
        except TimeoutError:
            call.expired = True
            raise away() from None


def _uuid(text: str) -> str:
    """The id, or one that nobody has for a text that is none."""
    return text if _ID.fullmatch(text) else _NOBODY
