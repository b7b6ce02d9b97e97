"""Group commit over a network: every call in order, all that wait in one transaction.

Must not know what a call does. While one transaction is on its way the next ones gather, so
that a commit on several machines does not cost one round to each enrollment. Equal calls that
follow each other are handed over together, so that they can share a statement.

When the session is lost, nobody knows whether its last commit happened. The calls are run again on
the next one, told that it is *again*, and each finds what it did the first time. A caller has
only so much patience; a call whose commit was asked for is settled all the same.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.core.facts import JournalCommitted, Publish
from gateway.journal.contract import JournalFault
from gateway.journal.postgres.faults import AWAY, IN_THE_WAY, LOST, fault_of
from gateway.journal.postgres.session import Session, TurnLost, UnsureCommit

MOST_CALLS: Final = 512
MOST_BYTES: Final = 8 * 1024 * 1024
TRANSACTION_SECONDS: Final = 5.0  # then the session is given up
CONNECT_AGAIN_SECONDS: Final = 0.2
TRIES: Final = 5  # of one call alone that others are in the way of

Work = Callable[[Session, Sequence[Any]], Awaitable[Sequence[Any]]]


@dataclass(slots=True, eq=False)
class Call:
    """Something to run.

    Attributes:
        work: runs this and equal calls that follow it, given their arguments.
        argument: this one's.
        future: its caller waits for it.
        key: not twice in one run of equal calls; None: any number.
        size: the bytes that it writes, about.
        alone: in a transaction of its own.
        then: told the result when it is durable, before the caller.
        orphaned: what to call when it is done, but its caller is gone.
        expired: its caller was told that it cannot be done.
        unsure: its commit was asked for, and no answer came.
    """

    work: Work
    argument: Any
    future: "asyncio.Future[Any]"
    key: str | None = None
    size: int = 0
    alone: bool = False
    then: Callable[[Any], None] | None = None
    orphaned: Callable[[Any], None] | None = None
    expired: bool = False
    unsure: bool = False
    result: Any = field(default=None, repr=False)


class Writer:
    """The queue, and the task that empties it onto one session at a time."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Session]],
        *,
        epoch: Callable[[], int | None],
        turn_lost: Callable[[], None],
        committed: Callable[[Session], None],
        publish: Publish,
    ) -> None:
        """Describe it; ``start`` begins.

        Args:
            connect: a new session with a primary; raises while there is none.
            epoch: of the lease that is held, as far as is known.
            turn_lost: told when the journal says that it is not.
            committed: told of each session whose transaction is durable now.
            publish: is told of each group commit.
        """
        self._connect = connect
        self._epoch = epoch
        self._turn_lost = turn_lost
        self._committed = committed
        self._publish = publish
        self._calls: deque[Call] = deque()
        self._came = asyncio.Event()
        self._session: Session | None = None
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self, session: Session) -> None:
        """Run calls, on this session first."""
        self._session = session
        self._task = asyncio.get_running_loop().create_task(self._run())

    def put(self, call: Call) -> None:
        """Run it in its turn."""
        self._calls.append(call)
        self._came.set()

    async def stop(self) -> None:
        """Finish what was called before, as far as the database answers; then close."""
        self._stopping = True
        self._came.set()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        while batch := await self._gather():
            await self._settled(batch)
        if self._session is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1.0):
                    await self._session.connection.close()
            self._session.connection.terminate()

    async def _gather(self) -> list[Call]:
        """All that waits, within bounds; nothing: it is time to stop."""
        while not self._calls:
            if self._stopping:
                return []
            self._came.clear()
            await self._came.wait()
        batch: list[Call] = []
        size = 0
        while self._calls and len(batch) < MOST_CALLS and size < MOST_BYTES:
            if batch and (batch[-1].alone or self._calls[0].alone):
                break
            batch.append(self._calls.popleft())
            size += batch[-1].size
        return batch

    async def _settled(self, batch: list[Call], *, tries: int = 0, again: bool = False) -> None:
        """Run a batch until it is known what became of it."""
        error: Exception | None = None
        while batch := [call for call in batch if not call.expired or call.unsure]:
            session = await self._connected(batch)
            if session is None:
                continue
            error = await self._attempt(session, batch, again=again)
            if error is None:
                return
            if self._session is None:
                again = True
            elif isinstance(error, IN_THE_WAY) and len(batch) == 1 and tries < TRIES:
                tries += 1
            elif not isinstance(error, TurnLost):
                break
        if error is not None and len(batch) == 1:
            self._fail(batch[0], error)
            return
        # One call's fault is not the others': each in a transaction of its own.
        for call in batch:
            await self._settled([call], again=again)

    async def _attempt(
        self, session: Session, batch: list[Call], *, again: bool
    ) -> Exception | None:
        """One transaction; what it failed with. The session is kept where it is good for more."""
        try:
            await self._together(session, batch, again=again)
        except TurnLost as error:
            self._turn_lost()
            await self._undo(session)
            return error
        except Exception as error:  # noqa: BLE001 - the callers must know, whatever it is
            lost = isinstance(error, (*LOST, UnsureCommit)) or session.connection.is_closed()
            if lost:
                self._give_up()
            else:
                await self._undo(session)
            return error
        return None

    async def _together(self, session: Session, batch: list[Call], *, again: bool) -> None:
        began = time.monotonic()
        guard = asyncio.get_running_loop().call_later(
            # Not a cancel: that would end the server's wait for its standbys, and let others see
            # what they do not have. Without its session the transaction is as it is.
            TRANSACTION_SECONDS,
            session.connection.terminate,
        )
        try:
            session.reset(epoch=self._epoch(), again=again)
            await session.begin()
            for run in _runs(batch):
                results = await run[0].work(session, [call.argument for call in run])
                for call, result in zip(run, results, strict=True):
                    call.result = result
            await session.ready()
            for call in batch:
                call.unsure = True
            await session.commit()
        finally:
            guard.cancel()
        self._tell(session, batch, time.monotonic() - began)

    def _tell(self, session: Session, batch: list[Call], seconds: float) -> None:
        for call in batch:
            call.unsure = False
            if isinstance(call.result, JournalFault):
                self._fail(call, call.result)
                continue
            if call.then is not None:
                call.then(call.result)
            if not call.future.done():
                call.future.set_result(call.result)
            elif call.orphaned is not None:
                call.orphaned(call.result)
        self._committed(session)
        if session.changed:
            self._publish(JournalCommitted(session.changed, seconds))

    def _fail(self, call: Call, error: Exception) -> None:
        call.unsure = False
        if not call.future.done():
            call.future.set_exception(fault_of(error))

    async def _connected(self, batch: list[Call]) -> Session | None:
        """A session; None: not yet."""
        if self._session is not None and not self._session.connection.is_closed():
            return self._session
        try:
            self._session = await self._connect()
        except Exception as error:  # noqa: BLE001 - whatever keeps it away, it may come back
            if self._stopping:
                for call in batch:
                    self._fail(call, error)
                    call.expired = True
            await asyncio.sleep(CONNECT_AGAIN_SECONDS)
            return None
        return self._session

    async def _undo(self, session: Session) -> None:
        try:
            async with asyncio.timeout(TRANSACTION_SECONDS):
                await session.rollback()
        except Exception:  # noqa: BLE001 - a session that cannot even do this is no use
            self._give_up()

    def _give_up(self) -> None:
        if self._session is not None:
            self._session.connection.terminate()
        self._session = None


def away() -> JournalFault:
    """The database does not answer."""
    return JournalFault(AWAY)


def _runs(batch: Sequence[Call]) -> list[list[Call]]:
    """Equal calls that follow each other, no key twice in one run."""
    runs: list[list[Call]] = []
    keys: set[str] = set()
    for call in batch:
        if runs and runs[-1][0].work == call.work and (call.key is None or call.key not in keys):
            runs[-1].append(call)
        else:
            runs.append([call])
            keys = set()
        if call.key is not None:
            keys.add(call.key)
    return runs
