"""Spans by OpenTelemetry: which there are, and what may be said in them. Needs the extra.

Must not know where spans go; that is ``collector``.

The rules are those of the logs: a list of what is allowed, every value clean, of an error no more
than its type.
"""

from types import TracebackType
from typing import Final, Self, cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from gateway.core.enrollment import Headers
from gateway.core.traceparent import TraceContext, may_be_told
from gateway.observe.redaction import clean_value
from gateway.observe.tracing import Span

ATTRIBUTES: Final = {
    "id": "enrollment.id",
    "station": "enrollment.station",
    "attempt": "enrollment.attempt",
    "outcome": "enrollment.outcome",
    "cause": "enrollment.cause",
    "problem": "enrollment.problem",
    "status_class": "http.response.status_class",
    "error": "error.type",
}


class Traces:
    """See ``tracing.Tracing``."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def request(self, headers: Headers) -> Span:
        """A server's span, within the station's where that tells of one."""
        parent = _parent(TraceContext.of(headers))
        kind = trace.SpanKind.SERVER
        return OpenSpan(self._tracer, self._tracer.start_span("enrollment", parent, kind))

    def exchange(self, name: str, headers: Headers) -> Span:
        """A client's span, linked to the request's."""
        began = TraceContext.of(headers)
        links = () if began is None else (trace.Link(_known(began)),)
        kind = trace.SpanKind.CLIENT
        span = self._tracer.start_span(name, _parent(began), kind, links=links)
        return OpenSpan(self._tracer, span)


class OpenSpan:
    """See ``tracing.Span``."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span
        told = span.get_span_context()
        self._place = TraceContext(
            trace.format_trace_id(told.trace_id),
            trace.format_span_id(told.span_id),
            told.trace_flags.sampled,
        )

    @property
    def trace_id(self) -> str | None:
        """Where the trace is kept."""
        return self._place.trace_id if self._place.sampled else None

    def onward(self, headers: Headers) -> Headers:
        """With this span's ``traceparent`` in the place of any other."""
        # The library's own switch (OTEL_SDK_DISABLED) makes spans without ids.
        return self._place.sends(headers) if self._span.get_span_context().is_valid else headers

    def child(self, name: str) -> Span:
        """Work of our own within this."""
        within = trace.set_span_in_context(self._span, Context())
        return OpenSpan(self._tracer, self._tracer.start_span(name, within))

    def tell(self, **what: object) -> None:
        """What is not in ``ATTRIBUTES`` stays here."""
        for name, value in what.items():
            known = ATTRIBUTES.get(name)
            if known is not None and value is not None:
                self._span.set_attribute(known, cast("str | int", clean_value(value)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        if kind is not None:
            self.tell(error=kind.__qualname__)
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end()


class CleanIds(RandomIdGenerator):
    """Random ids; one that could be read as a citizen's number is drawn again."""

    def generate_span_id(self) -> int:
        """As the library does."""
        while not may_be_told(trace.format_span_id(drawn := super().generate_span_id())):
            pass
        return drawn

    def generate_trace_id(self) -> int:
        """As the library does."""
        while not may_be_told(trace.format_trace_id(drawn := super().generate_trace_id())):
            pass
        return drawn


def _known(place: TraceContext) -> trace.SpanContext:
    return trace.SpanContext(
        int(place.trace_id, 16),
        int(place.span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(place.sampled),
    )


def _parent(place: TraceContext | None) -> Context:
    if place is None:
        return Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(_known(place)), Context())
