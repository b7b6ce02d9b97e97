"""The trace that a request belongs to, as it travels in ``traceparent`` (W3C Trace Context).

Must not know what a span is, nor who keeps it.

A trace id is drawn by whoever begins the trace, so a careless program may make one of a citizen's
number. What could hold one is taken for no trace at all, as is what is malformed: a trace then
begins anew here, and nothing of the old one goes on.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from gateway.core.enrollment import Headers
from gateway.core.masking import mask

_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_PARENT: Final = "traceparent"
_STATE: Final = "tracestate"
_SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span's place: its trace (32 hex digits), itself (16), and whether the trace is kept."""

    trace_id: str
    span_id: str
    sampled: bool

    def __str__(self) -> str:
        """As ``traceparent`` says it."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"

    @classmethod
    def of(cls, headers: Headers) -> Self | None:
        """The span that sent these headers; None: there is none, or none that may be told."""
        given = [value.strip() for name, value in headers if name.lower() == _PARENT]
        found = _FORM.fullmatch(given[0]) if len(given) == 1 else None
        if found is None:
            return None
        version, trace_id, span_id, flags, more = found.groups()
        if version == "ff" or (version == "00" and more):
            return None
        if not (int(trace_id, 16) and int(span_id, 16) and may_be_told(trace_id, span_id)):
            return None
        return cls(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))

    def sends(self, headers: Headers) -> Headers:
        """The same headers, as this span sends them; ``tracestate`` is of the old trace alone."""
        before = TraceContext.of(headers)
        same = before is not None and before.trace_id == self.trace_id
        dropped = {_PARENT} if same else {_PARENT, _STATE}
        kept = (header for header in headers if header[0].lower() not in dropped)
        return (*kept, (_PARENT, str(self)))


def may_be_told(*ids: str) -> bool:
    """Whether none of these ids holds what may be a citizen's number."""
    return all(mask(each) == each for each in ids)
