"""What people in operations do: pause, resume, cancel, and decide about dead letters.

A person can look into the recording server's own books, which the gateway cannot.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.admin.acts import NotAllowed
from gateway.core.decide import REQUEUED
from gateway.core.lifecycle import Status
from gateway.journal.contract import JournalFault, Life
from simulation.whole.house import Gone, House, key_of
from simulation.whole.scenario import Act

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulation.whole.world import World

_AGAIN = 1.0  # seconds until someone who found the gateway closed tries again
_ACTOR = "operator"


class Operator:
    """Acts through the admin room's own code."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hands = asyncio.Lock()

    async def act(self, what: Act) -> None:
        """Do it, however often the gateway must be asked, and one thing after the other."""
        async with self._hands:
            await self._do(what)

    async def _do(self, what: Act) -> None:
        self._world.tally[f"operator {what.value}"] += 1
        self._world.history.note("operator", what.value)
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
        world = self._world
        if not world.journal.standing_at(Status.DEAD_LETTER):
            return False
        await asyncio.sleep(world.scenario.policy.settle_seconds)
        await self._ask(self._decide_all)
        return True

    async def _ask(self, what: Callable[[House], Awaitable[object]]) -> None:
        async def within(house: House) -> None:
            try:
                await what(house)
            except (NotAllowed, JournalFault) as no:
                self._world.history.note("operator", f"is told: {no}")

        while True:
            house = self._world.house
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
        world = self._world
        policy, doubts = world.scenario.policy, world.doubts
        if not policy.honours_key and not policy.can_look_up:
            kept = await house.journal.find(life.id)
            if kept is None:
                return
            key = key_of(kept)
            if world.shell.recorded.get(key):
                await house.acts.cancel(life.id, actor=_ACTOR)
                return
            if world.history.now() < doubts.sent_at.get(key, 0.0) + policy.settle_seconds:
                return
            doubts.open.discard(key)
        await house.acts.requeue(life.id, actor=_ACTOR)
