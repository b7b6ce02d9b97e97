"""What people in operations do: pause, resume, cancel, and decide about dead letters.

A person can look into the recording server's own books, which the gateway cannot.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from gateway.admin.acts import NotAllowed
from gateway.core.decide import REQUEUED, DeliveryPolicy
from gateway.core.lifecycle import Status
from gateway.journal.contract import JournalFault, Life
from simulation.whole.calls import Gone
from simulation.whole.history import History
from simulation.whole.house import House
from simulation.whole.journal import WatchedJournal
from simulation.whole.scenario import Act
from simulation.whole.secrets import key_of
from simulation.whole.server_shell import ServerShell
from simulation.whole.transport import Doubts

_AGAIN = 1.0  # seconds until someone who found the gateway closed tries again
_ACTOR = "operator"


class Operator:
    """Acts through the admin room's own code, at whichever run of the gateway is up.

    Args:
        house: the run that is up.
        policy: the gateway's.
        journal: what waits for a decision.
        shell: the server, with its books.
        doubts: what the gateway was in doubt of; a decision about it ends that.
        history: the story is written here, and has the time.
        tally: counts what was done.
    """

    def __init__(
        self,
        *,
        house: Callable[[], House | None],
        policy: DeliveryPolicy,
        journal: WatchedJournal,
        shell: ServerShell,
        doubts: Doubts,
        history: History,
        tally: Counter[str],
    ) -> None:
        self._house = house
        self._policy = policy
        self._journal = journal
        self._shell = shell
        self._doubts = doubts
        self._history = history
        self._tally = tally
        self._hands = asyncio.Lock()

    async def act(self, what: Act) -> None:
        """Do it, however often the gateway must be asked, and one thing after the other."""
        async with self._hands:
            await self._do(what)

    async def _do(self, what: Act) -> None:
        self._tally[f"operator {what.value}"] += 1
        self._history.note("operator", what.value)
        match what:
            case Act.PAUSE:
                await self._ask(lambda house: house.acts.pause("maintenance", actor=_ACTOR))
            case Act.RESUME:
                await self._ask(lambda house: house.acts.resume(actor=_ACTOR))
            case Act.CANCEL:
                await self._ask(self._cancel_one)
            case Act.REQUEUE:
                await self._ask(self._decide_all)

    async def clear_dead_letters(self) -> bool:
        """Decide about all of them; False: there are none."""
        if not self._journal.standing_at(Status.DEAD_LETTER):
            return False
        await asyncio.sleep(self._policy.settle_seconds)
        await self._ask(self._decide_all)
        return True

    async def _ask(self, what: Callable[[House], Awaitable[object]]) -> None:
        async def within(house: House) -> None:
            try:
                await what(house)
            except (NotAllowed, JournalFault) as no:
                self._history.note("operator", f"is told: {no}")

        while True:
            house = self._house()
            if house is not None:
                try:
                    return await house.asked(within(house))
                except Gone:
                    pass
            await asyncio.sleep(_AGAIN)

    async def _cancel_one(self, house: House) -> None:
        for life in await house.journal.list(statuses=[Status.PENDING], limit=1):
            if life.reason != REQUEUED:
                await house.acts.cancel(life.id, actor=_ACTOR)

    async def _decide_all(self, house: House) -> None:
        for life in await house.journal.list(statuses=[Status.DEAD_LETTER], limit=1000):
            await self._decide(house, life)

    async def _decide(self, house: House, life: Life) -> None:
        """Requeue it; where nobody but a person can know, look into the server's books first."""
        policy, doubts = self._policy, self._doubts
        if not policy.honours_key and not policy.can_look_up:
            kept = await house.journal.find(life.id)
            if kept is None:
                return
            key = key_of(kept)
            if self._shell.recorded.get(key):
                await house.acts.cancel(life.id, actor=_ACTOR)
                return
            if self._history.now() < doubts.sent_at.get(key, 0.0) + policy.settle_seconds:
                return
            doubts.open.discard(key)
        await house.acts.requeue(life.id, actor=_ACTOR)
