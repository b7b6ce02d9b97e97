"""Delivery by turns: of several gateways on one journal, the one that holds the lease delivers.

Each turn has a dispatcher of its own, which begins with what the journal remembers. The others take
in and answer; what they say of the upstream is what the one that delivers last said. Must not know
how the turn is kept.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from gateway.clock import Clock
from gateway.core.admission import Outlook, UpstreamView
from gateway.core.enrollment import Enrollment
from gateway.core.facts import (
    JournalRecovered,
    Publish,
    TurnChanged,
    UpstreamStateChanged,
)
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.memory import Memory
from gateway.delivery.word import NOBODY, Word, heard, said
from gateway.journal.contract import JournalFault
from gateway.journal.sharing import Hint, SharedJournal, Turn

BEAT_SECONDS: Final = 1.0


class Turns:
    """Takes the place of the dispatcher, for intake and for operators."""

    def __init__(
        self,
        *,
        journal: SharedJournal,
        make: Callable[[], Awaitable[Dispatcher]],
        memory: Memory,
        clock: Clock,
        publish: Publish,
    ) -> None:
        """Wire it up.

        Args:
            journal: keeps the turn.
            make: a dispatcher for one turn.
            memory: where a pause is kept.
            clock: the wall clock.
            publish: where facts go.
        """
        self._journal = journal
        self._make = make
        self._memory = memory
        self._clock = clock
        self._publish = publish
        self._dispatcher: Dispatcher | None = None
        self._task: asyncio.Task[None] | None = None
        self._epoch: int | None = None
        self._paused: str | None = None
        self._word = NOBODY
        self._reserved: dict[str, Dispatcher] = {}
        self._watching: list[Publish] = []
        self._wake = asyncio.Event()
        self._stopping = False

    def watch(self, watcher: Publish) -> None:
        """Tell ``watcher`` what another gateway found of the upstream; it is counted there."""
        self._watching.append(watcher)

    # -- for intake ------------------------------------------------------------------------------

    def outlook(self) -> Outlook:
        """What can be said about the near future, by whoever delivers."""
        return self._now().outlook

    def reserve(self, enrollment_id: str) -> bool:
        """Take a free slot for a live enrollment; only where delivery is."""
        dispatcher = self._dispatcher
        if dispatcher is None or not dispatcher.reserve(enrollment_id):
            return False
        self._reserved[enrollment_id] = dispatcher
        return True

    def withdraw(self, enrollment_id: str) -> None:
        """Give a reserved slot back."""
        self._reserved.pop(enrollment_id).withdraw(enrollment_id)

    def launch(self, enrollment: Enrollment) -> None:
        """Send it, if the turn in which its slot was taken goes on; else it is in doubt by now."""
        dispatcher = self._reserved.pop(enrollment.id)
        if dispatcher is self._dispatcher:
            dispatcher.launch(enrollment)

    def enqueue(self, enrollment: Enrollment, *, rank: float, live: bool) -> None:
        """It is durable as pending. Elsewhere the journal's own hint has told of it."""
        if self._dispatcher is not None:
            self._dispatcher.enqueue(enrollment, rank=rank, live=live)

    def leave(self, enrollment_id: str) -> None:
        """Its station waits no more."""
        if self._dispatcher is not None:
            self._dispatcher.leave(enrollment_id)

    # -- for operators ---------------------------------------------------------------------------

    def upstream(self) -> UpstreamView:
        """What is thought of the upstream, by whoever delivers."""
        return self._now().upstream

    async def pause(self, reason: str) -> None:
        """Stop delivery, wherever it is."""
        await self._memory.keep_pause(reason)
        self._decided()

    async def resume(self) -> None:
        """Start delivery again, wherever it is."""
        await self._memory.keep_pause(None)
        self._decided()

    def nudge(self) -> None:
        """Something became due, or was taken away, by an operator's hand."""
        if self._dispatcher is not None:
            self._dispatcher.nudge()
        else:
            self._journal.tell(Hint.DUE)

    # -- the loop --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the turn, or wait for it, until ``stop``.

        Raises:
            JournalBroken: the journal cannot be trusted any more; the process must end.
        """
        self._journal.listen(self._hear)
        while not self._stopping:
            self._wake.clear()
            # Silence of the database ends no turn: nothing is sent when its time is over, and
            # nothing written once another has taken it.
            with contextlib.suppress(JournalFault):
                await self._beat()
            if self._task is not None and self._task.done():
                self._task.result()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), BEAT_SECONDS)

    async def stop(self, *, grace_seconds: float) -> None:
        """As the dispatcher's; the journal gives the turn back when it is closed."""
        self._stopping = True
        self._wake.set()
        if self._dispatcher is not None:
            with contextlib.suppress(JournalFault):
                await self._dispatcher.stop(grace_seconds=grace_seconds)
            self._dispatcher = None

    async def _beat(self) -> None:
        turn = await self._journal.turn(now=self._clock.now(), word=self._say())
        if self._stopping:
            return
        if not turn.mine:
            self._end(turn)
            self._take_note(heard(turn.word))
        elif turn.epoch != self._epoch:
            self._end(turn)
            await self._begin(turn)
        else:
            await self._obey()

    async def _begin(self, turn: Turn) -> None:
        if turn.recovered:
            self._publish(JournalRecovered(turn.recovered))
        self._paused = await self._memory.pause()
        dispatcher = await self._make()
        self._dispatcher, self._epoch = dispatcher, turn.epoch
        self._task = asyncio.get_running_loop().create_task(dispatcher.run())
        self._publish(TurnChanged(mine=True, epoch=turn.epoch, holder=turn.holder or ""))

    def _end(self, turn: Turn) -> None:
        """Another turn has begun: nothing of the old one may go on."""
        if self._dispatcher is not None:
            self._dispatcher.abandon()
            self._publish(TurnChanged(mine=False, epoch=turn.epoch, holder=turn.holder or ""))
        self._dispatcher = self._task = self._epoch = None

    async def _obey(self) -> None:
        """Do what operators decided elsewhere, and look at what came in there."""
        if self._dispatcher is None:
            return
        paused = await self._memory.pause()
        if paused != self._paused:
            self._paused = paused
            self._dispatcher.obey(paused)
            self._word = self._now()
        self._dispatcher.nudge()

    def _decided(self) -> None:
        self._journal.tell(Hint.TOLD)
        self._wake.set()

    def _hear(self, hint: Hint, _ids: Sequence[str]) -> None:
        if hint is Hint.TOLD:
            self._wake.set()
        elif hint is Hint.DUE and self._dispatcher is not None:
            self._dispatcher.nudge()

    def _now(self) -> Word:
        if self._dispatcher is None:
            return self._word
        return Word(
            self._dispatcher.outlook(), replace(self._dispatcher.upstream(), by=self._journal.name)
        )

    def _say(self) -> str:
        return "" if self._dispatcher is None else said(self._now())

    def _take_note(self, word: Word) -> None:
        before, self._word = self._word, word
        if before.upstream.state is not word.upstream.state:
            fact = UpstreamStateChanged(
                before.upstream.state, word.upstream.state, word.upstream.reason
            )
            for watcher in self._watching:
                watcher(fact)
