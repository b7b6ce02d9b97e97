"""Who waits for which enrollment to come to an end: live stations, and those that poll a receipt.

Subscribes to facts. Must not know the journal or how an answer looks.
"""

import asyncio
from collections.abc import Collection
from typing import Final, TypeAlias

from gateway.core.facts import EnrollmentSettled, Fact, UpstreamState, UpstreamStateChanged
from gateway.core.lifecycle import FINAL, Status
from gateway.intake.connection import StationConnection

SEEN: Final = (EnrollmentSettled, UpstreamStateChanged)
"""The kinds of facts that ``Waiters.see`` must be told."""

Waiting: TypeAlias = "asyncio.Future[EnrollmentSettled | None]"

# A dead letter may yet be delivered, but not before a person acts.
_ENDS = FINAL | {Status.DEAD_LETTER}
_DOWN = frozenset({UpstreamState.OPEN, UpstreamState.PAUSED})


class Waiters:
    """Futures by enrollment id. One timer for each, no task."""

    def __init__(self) -> None:
        self._by_id: dict[str, list[Waiting]] = {}
        self._live: dict[Waiting, None] = {}  # who came first is let go first
        self._loop: asyncio.AbstractEventLoop | None = None

    def expect(self, enrollment_id: str, *, live: bool) -> Waiting:
        """Begin to listen, before anything can happen. Follow with ``wait`` or ``forget``.

        ``live``: give up as soon as the upstream is known to be down.
        """
        # Asked once: Python 3.11 asks the kernel each time.
        self._loop = self._loop or asyncio.get_running_loop()
        waiting: Waiting = self._loop.create_future()
        self._by_id.setdefault(enrollment_id, []).append(waiting)
        if live:
            self._live[waiting] = None
        return waiting

    async def wait(
        self,
        enrollment_id: str,
        waiting: Waiting,
        *,
        seconds: float,
        connection: StationConnection,
    ) -> EnrollmentSettled | None:
        """The end of the enrollment, or None: time is up, the station left, or no use waiting."""
        timer = waiting.get_loop().call_later(seconds, _give_up, waiting)
        connection.on_lost = lambda: _give_up(waiting)
        if connection.transport is None:  # it left before anyone listened
            _give_up(waiting)
        try:
            return await waiting
        finally:
            timer.cancel()
            connection.on_lost = None
            self.forget(enrollment_id, waiting)

    def forget(self, enrollment_id: str, waiting: Waiting) -> None:
        """Listen no more."""
        self._live.pop(waiting, None)
        others = self._by_id.get(enrollment_id)
        if others is not None and waiting in others:
            others.remove(waiting)
            if not others:
                del self._by_id[enrollment_id]

    def see(self, fact: Fact) -> None:
        """Take note of a fact."""
        if isinstance(fact, EnrollmentSettled):
            if fact.status in _ENDS:
                for waiting in self._by_id.get(fact.id, ()):
                    if not waiting.done():
                        waiting.set_result(fact)
        elif isinstance(fact, UpstreamStateChanged) and fact.to_state in _DOWN:
            for waiting in self._live:
                _give_up(waiting)

    def waited_for(self) -> Collection[str]:
        """The ids that somebody waits for."""
        return self._by_id.keys()

    def release(self) -> None:
        """Let everyone go, without an answer: the gateway stops."""
        for waits in self._by_id.values():
            for waiting in waits:
                _give_up(waiting)


def _give_up(waiting: Waiting) -> None:
    if not waiting.done():
        waiting.set_result(None)
