"""Spans say what they may and no more; their way to a collector is bounded, and counted."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from gateway.core.outcome import Outcome
from gateway.core.traceparent import TraceContext
from gateway.observe.collector import traces
from gateway.observe.redaction import FIELDS
from gateway.observe.spans import ATTRIBUTES, CleanIds, Traces
from gateway.observe.tracing import UNTRACED

NIK = "3603010101900000"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STATIONS = (("traceparent", f"00-{TRACE}-{SPAN}-01"), ("tracestate", f"x={NIK}"))
SAMPLED_OUT = (("traceparent", f"00-{TRACE}-{SPAN}-00"),)


class Counted(Counter[str]):
    """What became of spans."""

    def __call__(self, outcome: str, number: int) -> None:
        self[outcome] += number

    def until(self, outcome: str, number: int) -> None:
        """Wait until so many came to this."""
        deadline = time.monotonic() + 60
        while self[outcome] < number:
            assert time.monotonic() < deadline, self
            time.sleep(0.01)


def tracing_to(
    exporter: SpanExporter, counted: Counted | None = None, *, ratio: float = 1, most: int = 2048
) -> AbstractContextManager[Traces]:
    return traces(
        exporter,
        sample_ratio=ratio,
        most_waiting=most,
        version="1.2.3",
        count=Counted() if counted is None else counted,
    )


def spans_of(work: Callable[[Traces], None], *, ratio: float = 1) -> list[ReadableSpan]:
    """What is sent of some work."""
    kept = InMemorySpanExporter()
    with tracing_to(kept, ratio=ratio) as tracing:
        work(tracing)
    return list(kept.get_finished_spans())


def test_a_name_that_is_not_known_and_a_number_stay_here() -> None:
    def work(tracing: Traces) -> None:
        with tracing.request(STATIONS) as span:
            span.tell(station=f"desk {NIK}", attempt=2, body="kenari", key=NIK, path=f"/{NIK}")
            span.tell(outcome=Outcome.DELIVERED, problem=None, cause="a\nline", status_class="2xx")

    (span,) = spans_of(work)
    assert dict(span.attributes or {}) == {
        "enrollment.station": "desk [16 digits]",
        "enrollment.attempt": 2,
        "enrollment.outcome": "delivered",
        "enrollment.cause": "a\\nline",
        "http.response.status_class": "2xx",
    }
    told = span.to_json()
    assert NIK not in told
    assert "kenari" not in told


def test_of_an_error_no_more_is_told_than_its_type() -> None:
    def work(tracing: Traces) -> None:
        with (
            pytest.raises(ValueError, match="kenari"),
            tracing.request(()) as span,
            span.child("journal.commit"),
        ):
            raise ValueError(f"kenari {NIK}")

    spans = spans_of(work)
    assert [span.name for span in spans] == ["journal.commit", "enrollment"]
    for span in spans:
        assert dict(span.attributes or {}) == {"error.type": "ValueError"}
        assert span.status.status_code is trace.StatusCode.ERROR
        assert span.events == ()
        assert span.status.description is None
        assert "kenari" not in span.to_json()


def test_the_trace_of_a_station_goes_on_and_its_state_is_not_sent() -> None:
    def work(tracing: Traces) -> None:
        with tracing.request(STATIONS) as span:
            assert span.trace_id == TRACE
            place = TraceContext.of(span.onward(STATIONS))
            assert place is not None
            assert place.trace_id == TRACE
            assert ("tracestate", f"x={NIK}") in span.onward(STATIONS)

    (span,) = spans_of(work)
    assert span.parent is not None
    assert trace.format_span_id(span.parent.span_id) == SPAN
    assert not span.parent.trace_state
    assert NIK not in span.to_json()


def test_a_trace_id_that_may_be_a_citizens_number_is_not_taken() -> None:
    dressed = (("traceparent", f"00-{NIK}{NIK}-{NIK}-01"),)

    def work(tracing: Traces) -> None:
        with tracing.request(dressed) as span, tracing.exchange("attempt", dressed):
            assert NIK not in str(span.onward(dressed))

    spans = spans_of(work)
    assert len(spans) == 2
    for span in spans:
        assert span.parent is None
        assert not span.links
        assert NIK not in span.to_json()


def test_an_attempt_links_to_the_request_that_began_it() -> None:
    def work(tracing: Traces) -> None:
        with tracing.request(()) as span:
            kept = span.onward((("A", "1"),))
        for _ in range(2):
            with tracing.exchange("attempt", kept) as attempt:
                sent.append(attempt.onward(kept))

    sent: list[tuple[tuple[str, str], ...]] = []
    request, *attempts = spans_of(work)
    for attempt, headers in zip(attempts, sent, strict=True):
        assert [link.context.span_id for link in attempt.links] == [request.context.span_id]
        assert attempt.context.trace_id == request.context.trace_id
        place = TraceContext.of(headers)
        assert place is not None
        assert int(place.span_id, 16) == attempt.context.span_id
    assert len(set(sent)) == 2


def test_of_traces_begun_here_a_share_is_sent_and_a_stations_say_it_themselves() -> None:
    def work(tracing: Traces) -> None:
        with tracing.request(()) as none:
            assert none.trace_id is None
            assert none.onward(())[0][1].endswith("-00")
            with tracing.exchange("attempt", none.onward(())) as attempt:
                assert attempt.trace_id is None
        with tracing.request(STATIONS) as span:
            assert span.trace_id == TRACE

    assert len(spans_of(work, ratio=0)) == 1

    def silent(tracing: Traces) -> None:
        with tracing.request(SAMPLED_OUT) as span:
            assert span.trace_id is None

    assert spans_of(silent, ratio=1) == []


def test_ids_that_may_be_a_number_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([int(NIK, 16), int(NIK * 2, 16), int(TRACE, 16), int(NIK, 16), int(SPAN, 16)])
    monkeypatch.setattr("random.getrandbits", lambda _bits: next(drawn))
    assert trace.format_trace_id(CleanIds().generate_trace_id()) == TRACE
    assert trace.format_span_id(CleanIds().generate_span_id()) == SPAN


def test_without_tracing_headers_go_on_as_they_came() -> None:
    with UNTRACED.request(STATIONS) as span, span.child("journal.commit"):
        span.tell(id="x")
        assert span.onward(STATIONS) is STATIONS
        assert span.trace_id is None
    with UNTRACED.exchange("attempt", STATIONS) as span:
        assert span.onward(STATIONS) is STATIONS


def test_where_the_library_is_switched_off_headers_go_on_as_they_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    def work(tracing: Traces) -> None:
        with tracing.request(()) as span, span.child("journal.commit"):
            assert span.onward((("A", "1"),)) == (("A", "1"),)
            assert span.trace_id is None

    assert spans_of(work) == []


class Gate(SpanExporter):
    """A collector that takes nothing until it is let to."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        self.reached.set()
        assert self.open.wait(60)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.open.set()


def test_no_more_spans_wait_than_may_and_those_that_may_not_are_counted() -> None:
    gate, counted = Gate(), Counted()
    with tracing_to(gate, counted, most=4) as tracing:

        def work(number: int) -> None:
            for _ in range(number):
                with tracing.request(()):
                    pass

        work(4)  # a full batch: the thread takes it, and is held at the gate
        assert gate.reached.wait(60)
        work(10)
        assert counted == {"dropped": 6}
        gate.open.set()
        counted.until("exported", 8)
        work(1)
    assert counted == {"dropped": 6, "exported": 9}


def test_a_collector_that_hangs_does_not_hold_the_end_back() -> None:
    class Deaf(Gate):
        def __init__(self) -> None:
            super().__init__()
            self.ended = threading.Event()

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
            self.reached.set()
            self.open.wait(30)
            self.ended.set()
            return SpanExportResult.SUCCESS

        def shutdown(self) -> None:
            """Not even now."""

    gate = Deaf()
    with tracing_to(gate, most=1) as tracing:
        with tracing.request(()):
            pass
        assert gate.reached.wait(60)
    assert not gate.ended.is_set()  # the context was left all the same
    gate.open.set()
    assert gate.ended.wait(60)


class Failing(SpanExporter):
    """A collector that is away while ``away`` says how."""

    away: Exception | SpanExportResult = SpanExportResult.FAILURE

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        if isinstance(self.away, Exception):
            raise self.away
        return self.away

    def shutdown(self) -> None:
        pass


def test_a_collector_that_is_away_is_told_once_and_so_is_its_return() -> None:
    exporter, counted = Failing(), Counted()
    with capture_logs() as told, tracing_to(exporter, counted, most=1) as tracing:
        for number in range(1, 6):
            exporter.away = OSError(NIK) if number % 2 else SpanExportResult.FAILURE
            with tracing.request(()):
                pass
            counted.until("dropped", number)
        exporter.away = SpanExportResult.SUCCESS
        with tracing.request(()):
            pass
        counted.until("exported", 1)
    assert counted == {"dropped": 5, "exported": 1}
    assert [line["event"] for line in told] == ["traces_not_taken", "traces_taken"]
    assert NIK not in json.dumps(told)


def test_every_attribute_is_known_to_the_logs_too() -> None:
    assert set(ATTRIBUTES) - {"status_class"} <= FIELDS
