"""Whose turn it is to deliver, as far as one gateway may know it.

Theory: a row in the shared journal names the one that delivers, with an epoch that grows with
every change of hands and a beat that grows with every renewal. No clock is compared with another
machine's. Who holds it counts from the moment *before* it asked for the renewal; who waits counts
from the moment *after* it first saw the beat. The renewal lies between the two, so a holder's time
is over before anyone else's wait is, as long as both clocks run about equally fast (C. Gray and
D. Cheriton, "Leases", SOSP '89). The margin covers clocks that do not, and the moment between the
last look at the time and the first byte.

Pure. What is written under an old epoch is refused by the journal, whatever anybody's clock says.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds. ``life``: from a renewal on. ``margin``: nothing is begun so long before its end."""

    life: float = 5.0
    margin: float = 1.0


class Lease:
    """What one gateway knows of the row. Every ``now`` is monotonic."""

    def __init__(self, times: LeaseTimes | None = None) -> None:
        self._times = times or LeaseTimes()
        self._epoch: int | None = None
        self._until = float("-inf")
        self._seen: tuple[int, int] | None = None
        self._seen_at = 0.0

    @property
    def epoch(self) -> int | None:
        """The epoch that this gateway holds; None: it is another's turn, as far as is known."""
        return self._epoch

    def may_send(self, *, now: float) -> bool:
        """Whether a first byte may go out now."""
        return self._epoch is not None and now < self._until - self._times.margin

    def held(self, epoch: int, *, asked_at: float) -> None:
        """It was taken or renewed, and that is durable; ``asked_at``: before it was asked for."""
        self._epoch = epoch
        self._until = asked_at + self._times.life
        self._seen = None

    def lost(self) -> None:
        """It is another's, or was given back."""
        self._epoch = None
        self._until = float("-inf")

    def seen(self, epoch: int, beat: int, *, now: float) -> None:
        """The row as another one left it."""
        self.lost()
        if (epoch, beat) != self._seen:
            self._seen, self._seen_at = (epoch, beat), now

    def may_take(self, *, now: float) -> bool:
        """Whether the holder that was last seen has let its time run out."""
        return self._seen is not None and now >= self._seen_at + self._times.life

    def __repr__(self) -> str:
        """For tests and logs."""
        return f"<Lease epoch={self._epoch} until={self._until:.3f} seen={self._seen}>"
