"""What operators ask of delivery. The wiring hands in the dispatcher; neither imports the other."""

from typing import Protocol

from gateway.core.admission import Outlook, UpstreamView


class Control(Protocol):
    """The side of the dispatcher that operators may use."""

    def outlook(self) -> Outlook:
        """What can be said about the near future."""
        ...

    def upstream(self) -> UpstreamView:
        """What is thought of the server now."""
        ...

    async def pause(self, reason: str) -> None:
        """Begin no further attempt; attempts under way end. Durable when it returns. Idempotent."""
        ...

    async def resume(self) -> None:
        """Deliver again. Durable when it returns. Idempotent."""
        ...

    def nudge(self) -> None:
        """Something became due by an operator's hand: look at the journal now."""
        ...
