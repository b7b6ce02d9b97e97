"""What waits: the live ones whole, a page of the backlog, and how many there are in all.

Must not decide who goes next, nor know of slots but those that live ones hold.
"""

from gateway.core.enrollment import Enrollment
from gateway.delivery.backlog import Backlog
from gateway.delivery.live import Live
from gateway.journal.contract import Due, Journal


class Waiting:
    """The two queues, and what is known of the rest.

    Attributes:
        live: those whose stations hold the connection.
        backlog: the head of the journal's queue.
        count: how many wait, the journal's rest included; between two counts an estimate.
    """

    def __init__(self, journal: Journal) -> None:
        self.live = Live()
        self.backlog = Backlog(journal)
        self.count = 0

    def came(self, enrollment: Enrollment, *, rank: float, live: bool) -> None:
        """A new one is durable as pending, at ``rank`` in the queue."""
        self.count += 1
        if live:
            self.live.wait(enrollment)
        self.backlog.came(rank, at=enrollment.accepted_at)

    def again(self, *, at: float) -> None:
        """One that was sent waits again, until ``at`` (wall seconds)."""
        self.count += 1
        self.backlog.expect(at)

    def take(self, enrollment_id: str) -> tuple[Enrollment | None, Due | None]:
        """Take one out of both; what is known of it there."""
        return self.live.take(enrollment_id), self.backlog.take(enrollment_id)

    def started(self) -> None:
        """One that was taken is on its way."""
        self.count = max(self.count - 1, 0)

    def anything(self) -> bool:
        """Whether anything waits, or will be due: else a turn of the loop finds nothing to do.

        What falls due later counts: the loop did not plan for it while there was no room.
        """
        return bool(len(self.backlog) or self.live) or self.backlog.promises_more

    def demand(self, *, now: float) -> int:
        """How many could be sent now: at least one while a page is empty and the journal is not.

        Else the window would be taken for not full at the end of each page, and never measured.
        """
        known = len(self.backlog) + len(self.live)
        return known or int(self.backlog.waits(now=now))
