"""The window's own account, kept beside the limiter's: who holds a slot, and which ghosts are left.

It learns from the network how an attempt really ended, not from the gateway.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.outcome import Finding
from gateway.delivery.gate import Gate


@dataclass
class Account:
    """Of one run of the gateway.

    Attributes:
        ghost_seconds: how long a broken attempt must keep its slot.
        complain: told what is wrong.
        time: the steady clock.
    """

    ghost_seconds: float
    complain: Callable[[str], None]
    time: Callable[[], float]
    held: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    _ghosts: list[float] = field(default_factory=list)

    def took(self, enrollment_id: str, *, window: int) -> None:
        """A slot was taken."""
        now = self.time()
        if enrollment_id in self.held:
            self.complain(f"{enrollment_id} has two attempts at once")
        self.held.add(enrollment_id)
        self._ghosts = [end for end in self._ghosts if end > now]
        taken = len(self.held) + len(self._ghosts)
        if taken > window:
            self.complain(
                f"{len(self.held)} attempts and {len(self._ghosts)} ghosts in a window of {window}"
            )

    def gave_back(self, enrollment_id: str) -> None:
        """A slot was left, whether it was used or not."""
        self.held.discard(enrollment_id)
        if enrollment_id in self.broken:
            self.broken.discard(enrollment_id)
            self._ghosts.append(self.time() + self.ghost_seconds)


class WatchedGate(Gate):
    """The real gate, with an account of its own beside it."""

    account: Account

    def take(self, enrollment_id: str) -> None:
        """Use one of the free slots."""
        super().take(enrollment_id)
        self.account.took(enrollment_id, window=self.window)

    def give_back(self, enrollment_id: str) -> None:
        """Leave a slot unused."""
        super().give_back(enrollment_id)
        self.account.gave_back(enrollment_id)

    def heard(self, enrollment_id: str, finding: Finding, seconds: float) -> None:
        """An exchange on a slot has ended."""
        super().heard(enrollment_id, finding, seconds)
        self.account.gave_back(enrollment_id)
