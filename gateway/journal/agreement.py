"""Do all gateways of one journal have the same keys? Each leaves the name of its newest in it.

A gateway that lacks the newest key of another could not read what that one seals, or check what it
signs, so it must not serve. Must not know what the keys are for; their names tell nothing of them.
"""

from collections.abc import Collection
from typing import Protocol


class Notes(Protocol):
    """What is needed of a journal."""

    async def claim(self, name: str, value: str) -> str:
        """Keep a text unless there is one under this name; what is there now."""
        ...

    async def remember(self, name: str, value: str) -> None:
        """Keep a text."""
        ...


async def agree(journal: Notes, note: str, *, newest: str, known: Collection[str]) -> bool:
    """Whether the newest key that any gateway uses is among those known here.

    Args:
        journal: the shared one.
        note: under which the newest key's name is kept.
        newest: the one that this gateway uses for what is new.
        known: all that it has, the newest among them.
    """
    told = await journal.claim(note, newest)
    if told not in known:
        return False
    if told != newest:
        await journal.remember(note, newest)
    return True
