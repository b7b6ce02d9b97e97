"""A journal in memory that several gateways share: the turn moves when the test says so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.core.lifecycle import FINAL, Status
from gateway.journal.contract import Accepted, Change, Entry, Existing, Kept
from gateway.journal.memory import MemoryJournal
from gateway.journal.sharing import Heard, Hint, Turn


@dataclass
class Common:
    """What all members see."""

    journal: MemoryJournal
    owner: str = "a"
    epoch: int = 1
    word: str = ""
    hints: bool = True
    heard: list[tuple[str, Heard]] = field(default_factory=list)

    def pass_on(self, owner: str) -> None:
        """The turn is another's from now on."""
        self.owner, self.epoch = owner, self.epoch + 1


class Member:
    """One gateway's view of it."""

    durability = "memory"

    def __init__(self, common: Common, name: str) -> None:
        self.common = common
        self.name = name
        self.lapsed = False
        self._epoch = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the journal has
        return getattr(self.common.journal, name)

    @property
    def _mine(self) -> bool:
        return self.common.owner == self.name and self._epoch == self.common.epoch

    async def turn(self, *, now: float, word: str) -> Turn:
        common = self.common
        recovered = None
        if common.owner == self.name:
            if self._epoch != common.epoch:
                recovered = await self._recover(now)
            self._epoch = common.epoch
            common.word = word or common.word
        return Turn(common.owner == self.name, common.owner, common.epoch, common.word, recovered)

    async def _recover(self, now: float) -> int:
        lives = await self.common.journal.list(statuses=[Status.SENDING], limit=1000)
        doubt = Change(Status.IN_DOUBT, "gateway-restarted", now)
        for life in lives:
            await self.common.journal.change(life.id, doubt, now=now)
        return len(lives)

    async def resign(self) -> None:
        self.common.owner = ""

    def may_send(self) -> bool:
        return self._mine and not self.lapsed

    async def accept(self, entry: Entry, *, sending: bool) -> Accepted | Existing:
        kept = await self.common.journal.accept(entry, sending=sending and self._mine)
        if not self._mine:
            self.tell(Hint.DUE)
        return kept

    async def begin(self, enrollment_id: str, *, now: float, whole: bool = True) -> Kept | None:
        if not self._mine:
            return None
        return await self.common.journal.begin(enrollment_id, now=now, whole=whole)

    async def change(self, enrollment_id: str, change: Change, *, now: float) -> bool:
        made = self._mine and await self.common.journal.change(enrollment_id, change, now=now)
        if made and change.status in FINAL:
            self.tell(Hint.ENDED, [enrollment_id])
        return made

    async def ended(self, ids: Sequence[str]) -> tuple[Kept, ...]:
        found = [await self.common.journal.find(each) for each in ids]
        return tuple(each for each in found if each is not None and each.life.status in FINAL)

    def listen(self, heard: Heard) -> None:
        self.common.heard.append((self.name, heard))

    def tell(self, hint: Hint, ids: Sequence[str] = ()) -> None:
        for name, heard in self.common.heard:
            if name != self.name and self.common.hints:
                heard(hint, ids)
