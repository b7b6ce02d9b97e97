"""How the journal's methods reach the writer: each is one call, and waits only so long.

Must not know what a call does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from gateway.journal.contract import JournalFault
from gateway.journal.postgres.session import Session
from gateway.journal.postgres.writer import Call, Work, Writer, away

T = TypeVar("T")


class Calls:
    """The way to the writer, while there is one."""

    def __init__(self, *, patience_seconds: float) -> None:
        """A call that is not done within ``patience_seconds`` raises ``JournalFault``."""
        self._patience = patience_seconds
        self.writer: Writer | None = None

    async def read(
        self,
        one: Callable[..., Awaitable[T]],
        *values: Any,  # noqa: ANN401 - as ``one`` takes them
        **named: Any,  # noqa: ANN401 - as above
    ) -> T:
        """Something that is run by itself within the transaction."""

        async def work(session: Session, _arguments: Sequence[Any]) -> list[T]:
            return [await one(session, *values, **named)]

        result: T = await self.call(work)
        return result

    async def call(
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
        """Have it done, and wait for its result. The arguments are ``Call``'s.

        Raises:
            JournalFault: it was not done in time, cannot be done, or the journal is not open.
        """
        if self.writer is None:
            raise JournalFault("the journal is not open")
        future = asyncio.get_running_loop().create_future()
        call = Call(
            work, argument, future, key=key, size=size, alone=alone, then=then, orphaned=orphaned
        )
        self.writer.put(call)
        try:
            async with asyncio.timeout(self._patience):
                return await future
        except TimeoutError:
            call.expired = True
            raise away() from None

    def leave(self, work: Work, argument: Any, *, key: str) -> None:  # noqa: ANN401 - as above
        """Have it done, and wait for nothing; not at all where the journal is closed."""
        if self.writer is not None:
            future = asyncio.get_running_loop().create_future()
            self.writer.put(Call(work, argument, future, key=key))
