"""A page of what is due, read from the journal when it runs low, and when to look again.

Must not decide who goes next; it keeps the journal's order.
"""

from collections.abc import Collection, Iterator

from gateway.journal.contract import Due, Journal


class Backlog:
    """The head of the queue in memory: bounded, whatever waits behind it."""

    def __init__(self, journal: Journal, *, page: int = 64) -> None:
        self._journal = journal
        self._page = page
        self._items: dict[str, Due] = {}
        self._next_due_at: float | None = 0.0
        self._last_rank = float("-inf")
        self._stale = False
        self._reading = False

    def expect(self, at: float) -> None:
        """Something that is not in the page falls due at ``at`` (wall seconds)."""
        if self._next_due_at is None or at < self._next_due_at:
            self._next_due_at = at

    def came(self, rank: float, *, at: float) -> None:
        """A newcomer at ``rank`` is due from ``at`` on; it may belong into the page."""
        if self._items and rank < self._last_rank:
            self.reread()
        self.expect(at)

    def freed(self, *, at: float) -> None:
        """The next of an ordering key may be due; it is older than what the page begins with."""
        if self._items:
            self.reread()
        self.expect(at)

    def reread(self) -> None:
        """The order may have changed: read the page again before the next pick."""
        self._stale = True
        self.expect(0.0)

    @property
    def next_due_at(self) -> float | None:
        """Wall seconds from which another look at the journal is worth it; None: no reason."""
        return self._next_due_at

    @property
    def promises_more(self) -> bool:
        """Whether the journal may have more than the page, now or later."""
        return self._reading or self._next_due_at is not None

    def waits(self, *, now: float) -> bool:
        """Whether anything is due. Until the journal has been read to its end, it is."""
        if self._items or self._reading:
            return True
        return self._next_due_at is not None and self._next_due_at <= now

    async def refill(self, *, now: float, least: int, in_hand: Collection[str]) -> bool:
        """Have ``least`` candidates ready, if that many are due and not in hand already.

        Returns whether the journal was read for that: only then is there anything new.

        Raises:
            JournalFault: it could not be read; what was known is kept.
        """
        known = self._next_due_at
        if known is None or known > now or (len(self._items) >= least and not self._stale):
            return False
        # What is expected while the journal is being read must not be overwritten by the page.
        self._next_due_at = None
        # An attempt may end while the journal is being read: the page tells of it as it was before,
        # and what is in doubt by now would be sent again as if it had never left.
        held = frozenset(in_hand)
        self._reading = True
        try:
            # What is left of the page before is read once more: of a longer one that is less.
            page = await self._journal.due(now=now, limit=max(self._page, 4 * least))
        except BaseException:
            self.expect(known)
            raise
        finally:
            self._reading = False
        self._stale = False
        ended = {due.id for due in page.items if due.id in held and due.id not in in_hand}
        self._items = {
            due.id: due for due in page.items if due.id not in in_hand and due.id not in ended
        }
        if ended:
            self.reread()
        self._last_rank = max((due.rank for due in page.items), default=float("-inf"))
        if page.next_due_at is not None:
            self.expect(page.next_due_at)
        return True

    def take(self, enrollment_id: str) -> Due | None:
        """Take one out, wherever it stands."""
        return self._items.pop(enrollment_id, None)

    def ids(self) -> Iterator[str]:
        """Those of the candidates, in the order of delivery."""
        return iter(self._items)

    def __iter__(self) -> Iterator[Due]:
        """The candidates in the order of delivery."""
        return iter(tuple(self._items.values()))

    def __len__(self) -> int:
        """How many candidates are ready."""
        return len(self._items)
