"""The live ones: enrollments whose stations hold the connection and wait for the server's answer.

They are all that delivery keeps in memory whole. Must not know who goes next.
"""

from collections.abc import Iterator

from gateway.core.enrollment import Enrollment


class Live:
    """Those that wait for a slot, and which of them hold one.

    Attributes:
        outstanding: ids of those that hold a slot, or are about to.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Enrollment] = {}
        self.outstanding: set[str] = set()

    def wait(self, enrollment: Enrollment) -> None:
        """It found no slot free."""
        self._waiting[enrollment.id] = enrollment

    def take(self, enrollment_id: str) -> Enrollment | None:
        """It waits here no more: it is sent, or its station has gone."""
        return self._waiting.pop(enrollment_id, None)

    def newest(self) -> Iterator[str]:
        """The ids of those that wait, the newest first."""
        return reversed(self._waiting)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)
