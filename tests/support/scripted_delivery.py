"""The side of delivery that intake sees, following a script instead of a server."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.admission import Outlook
from gateway.core.enrollment import Answer, Enrollment
from gateway.core.facts import EnrollmentSettled, Fact, UpstreamState, UpstreamStateChanged
from gateway.core.lifecycle import Status


@dataclass
class ScriptedDelivery:
    """Notes what intake does, and lets a test say what comes of it.

    Attributes:
        publish: where its facts go.
        slots: how many live enrollments may start at once.
        answers: what the server answers to each enrollment handed over live; None: nothing yet.
        calls: what intake asked for, in order: (what, enrollment id).
        handed: the enrollments handed over, by id.
    """

    publish: Callable[[Fact], None]
    state: UpstreamState = UpstreamState.STEADY
    slots: int = 1_000
    waiting: int = 0
    rate: float = 100.0
    next_canary_in: float | None = None
    answers: Callable[[Enrollment], Answer | None] = lambda _: None
    calls: list[tuple[str, str]] = field(default_factory=list)
    handed: dict[str, Enrollment] = field(default_factory=dict)

    def outlook(self) -> Outlook:
        return Outlook(
            state=self.state,
            window=self.slots,
            outstanding=0,
            waiting=self.waiting,
            live_waiting=0,
            rate=self.rate,
            next_canary_in=self.next_canary_in,
        )

    def reserve(self, enrollment_id: str) -> bool:
        if self.slots == 0:
            return False
        self.slots -= 1
        self.calls.append(("reserve", enrollment_id))
        return True

    def withdraw(self, enrollment_id: str) -> None:
        self.slots += 1
        self.calls.append(("withdraw", enrollment_id))

    def launch(self, enrollment: Enrollment) -> None:
        self._take("launch", enrollment)
        self._answer(enrollment)

    def enqueue(self, enrollment: Enrollment, *, rank: float, live: bool) -> None:  # noqa: ARG002 - the port's
        self._take("enqueue live" if live else "enqueue", enrollment)
        if live:
            self._answer(enrollment)

    def leave(self, enrollment_id: str) -> None:
        self.calls.append(("leave", enrollment_id))

    # -- what a test says ---------------------------------------------------------------------

    def settle(
        self, enrollment_id: str, status: Status, answer: Answer | None = None, reason: str = ""
    ) -> None:
        """An attempt has come to an end."""
        self.publish(EnrollmentSettled(enrollment_id, status, reason, answer))

    def turn(self, state: UpstreamState) -> None:
        """The upstream is thought of otherwise now."""
        before, self.state = self.state, state
        self.publish(UpstreamStateChanged(before, state, "scripted"))

    @property
    def asked(self) -> list[str]:
        """What intake asked for, in order, without ids."""
        return [what for what, _ in self.calls]

    def _take(self, what: str, enrollment: Enrollment) -> None:
        self.calls.append((what, enrollment.id))
        self.handed[enrollment.id] = enrollment

    def _answer(self, enrollment: Enrollment) -> None:
        answer = self.answers(enrollment)
        if answer is not None:
            self.settle(enrollment.id, Status.DELIVERED, answer)
