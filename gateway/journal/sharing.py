"""What a journal offers beside its contract when several gateways share it.

One of them delivers, the others take in and answer. Hints make the others hear soon; nothing hangs
on them, for whoever waits also looks from time to time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.journal.contract import Journal, Kept


class Hint(StrEnum):
    """Worth a look at the journal: something is due, ended, or was decided by an operator."""

    DUE = "due"
    ENDED = "ended"
    TOLD = "told"


Heard = Callable[[Hint, Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is to deliver.

    Attributes:
        mine: this gateway's.
        holder: the name of the one that delivers, or None.
        epoch: grows by one with every change of hands.
        word: what that one last said of delivery; empty: nothing yet.
        recovered: it was taken over just now, and so many attempts of the last one are in doubt.
    """

    mine: bool
    holder: str | None
    epoch: int
    word: str
    recovered: int | None = None


class SharedJournal(Journal, Protocol):
    """A journal for several gateways.

    Intents and outcomes are written only by the one whose turn it is, and only while it is: for
    any other, ``accept`` keeps the enrollment as pending, ``begin`` answers None and ``change``
    False, except for what operators decide.
    """

    name: str
    """This gateway's, as the others see it."""

    async def turn(self, *, now: float, word: str) -> Turn:
        """Take the turn if it is free or ran out, renew it if it is held, else look. Every second.

        Raises:
            JournalFault: the database does not answer.
        """
        ...

    async def resign(self) -> None:
        """Give the turn back, so that another takes it at once."""
        ...

    def may_send(self) -> bool:
        """Whether a first byte may go out now: the turn is held, and will be a while longer."""
        ...

    async def ended(self, ids: Sequence[str]) -> tuple[Kept, ...]:
        """Of these enrollments, those that came to an end or to a person."""
        ...

    def listen(self, heard: Heard) -> None:
        """From now on ``heard`` is told the hints of other gateways."""
        ...

    def tell(self, hint: Hint) -> None:
        """Give the others a hint."""
        ...
