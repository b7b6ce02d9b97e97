"""What intake asks of delivery. The wiring hands in the dispatcher; neither imports the other.

Answers come back as facts (``EnrollmentSettled``), not through this port.
"""

from typing import Protocol

from gateway.core.admission import Outlook
from gateway.core.enrollment import Enrollment


class Delivery(Protocol):
    """The side of the dispatcher that intake may use. Nothing here blocks or raises."""

    def outlook(self) -> Outlook:
        """What can be said about the near future, for admission and estimates."""
        ...

    def reserve(self, enrollment_id: str) -> bool:
        """Take a free slot for a live enrollment about to be accepted as ``sending``.

        True: the caller must follow with ``launch`` or ``withdraw``. False: there is no slot for
        it now; accept it as pending.
        """
        ...

    def withdraw(self, enrollment_id: str) -> None:
        """Give a reserved slot back: the enrollment was not accepted as ``sending``."""
        ...

    def launch(self, enrollment: Enrollment) -> None:
        """Its intent is durable: send it now on its reserved slot."""
        ...

    def enqueue(self, enrollment: Enrollment, *, rank: float, live: bool) -> None:
        """It is durable as pending, at ``rank`` in the queue.

        ``live``: its station waits, and its body stays in memory.
        """
        ...

    def leave(self, enrollment_id: str) -> None:
        """Its station waits no more: it goes on with the backlog, from the journal."""
        ...
