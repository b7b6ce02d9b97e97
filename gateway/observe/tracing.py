"""What the rooms may ask of tracing, and the tracing that does nothing: it is off unless set up.

Must not know OpenTelemetry, which is an extra and may not be installed; ``spans`` does.
"""

from types import TracebackType
from typing import Final, Protocol, Self

from gateway.core.enrollment import Headers


class Span(Protocol):
    """A piece of work, from its making until its context is left. Nothing here blocks or raises."""

    @property
    def trace_id(self) -> str | None:
        """32 hex digits, for logs and exemplars; None: nobody keeps this trace."""
        ...

    def onward(self, headers: Headers) -> Headers:
        """The headers of a request that belongs to this span."""
        ...

    def child(self, name: str) -> "Span":
        """A part of this work."""
        ...

    def tell(self, **what: object) -> None:
        """Say more of it: only names that ``spans`` knows get through, and only clean values."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class Tracing(Protocol):
    """Begins spans."""

    def request(self, headers: Headers) -> Span:
        """A station asks; its own span, if it tells one, goes on here."""
        ...

    def exchange(self, name: str, headers: Headers) -> Span:
        """The server is asked. ``headers``: as kept, with the span of the request that began it.

        It may have ended hours ago, so this span is of the same trace, and links to it.
        """
        ...


class Untraced:
    """No span, and no tracing."""

    trace_id: None = None

    def request(self, headers: Headers) -> Span:  # noqa: ARG002 - the protocol's
        """No span."""
        return self

    def exchange(self, name: str, headers: Headers) -> Span:  # noqa: ARG002 - the protocol's
        """No span."""
        return self

    def onward(self, headers: Headers) -> Headers:
        """As they came: a station's ``traceparent`` goes on unchanged."""
        return headers

    def child(self, name: str) -> Span:  # noqa: ARG002 - the protocol's
        """No span."""
        return self

    def tell(self, **what: object) -> None:
        """Nobody listens."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


UNTRACED: Final = Untraced()
