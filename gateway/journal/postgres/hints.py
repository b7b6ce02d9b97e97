"""LISTEN and NOTIFY, as hints alone: lost, late or doubled, they cost a moment and nothing else.

They go over a connection of their own, after the commit that they tell of. Inside it they would
make the commits of all gateways wait for each other: PostgreSQL lets one notifying transaction
commit at a time, and a commit that waits for standbys takes long.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from gateway.journal.sharing import Hint

CHANNEL: Final = "enrollment_gateway"
_IDS_IN_ONE: Final = 180  # a notification holds less than 8000 bytes
_GATHER_SECONDS: Final = 0.002
_AGAIN_SECONDS: Final = 1.0
_TIMEOUT_SECONDS: Final = 3.0


class Hints:
    """Tells and hears. ``run`` keeps the connection."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], *, name: str) -> None:
        self._connect = connect
        self._name = name
        self._outgoing: dict[Hint, dict[str, None]] = {}
        self._came = asyncio.Event()
        self._heard: list[Callable[[Hint, Sequence[str]], None]] = []

    def listen(self, heard: Callable[[Hint, Sequence[str]], None]) -> None:
        """Tell ``heard`` of every hint from elsewhere."""
        self._heard.append(heard)

    def tell(self, hint: Hint, ids: Sequence[str] = ()) -> None:
        """Let the others know."""
        self._outgoing.setdefault(hint, {}).update(dict.fromkeys(ids))
        self._came.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(Exception):  # whatever it is, a hint is worth no more
                await self._serve()
            self._outgoing.clear()  # nobody waits for an old hint
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _serve(self) -> None:
        connection = await self._connect()
        try:
            # A hint need not outlive anything, so its commit waits for nobody.
            await connection.execute("SET synchronous_commit = off")
            await connection.add_listener(CHANNEL, self._hear)
            while not connection.is_closed():
                await self._came.wait()
                await asyncio.sleep(_GATHER_SECONDS)
                self._came.clear()
                outgoing, self._outgoing = self._outgoing, {}
                for hint, ids in outgoing.items():
                    await self._send(connection, hint, list(ids))
        finally:
            connection.terminate()

    async def _send(self, connection: Any, hint: Hint, ids: Sequence[str]) -> None:  # noqa: ANN401
        for start in range(0, max(len(ids), 1), _IDS_IN_ONE):
            some = ",".join(ids[start : start + _IDS_IN_ONE])
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await connection.execute(
                    "SELECT pg_notify($1, $2)", CHANNEL, f"{self._name} {hint} {some}"
                )

    def _hear(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:  # noqa: ANN401
        name, _, rest = payload.partition(" ")
        kind, _, some = rest.partition(" ")
        if name == self._name or kind not in set(Hint):
            return
        ids = some.split(",") if some else []
        for heard in self._heard:
            heard(Hint(kind), ids)
