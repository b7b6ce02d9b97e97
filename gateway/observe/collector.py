"""The way of spans to a collector: OTLP over HTTP, in batches, by a thread of its own.

Must not know what is in a span. Nothing waits for the collector: where it is slow or away, spans
are dropped and counted, and the log says so once. Needs the extra.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from gateway.observe.series.process import SpanOutcome
from gateway.observe.spans import CleanIds, Traces

_BATCH: Final = 512
_EVERY_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 10.0
_GOODBYE_SECONDS: Final = 2.0
_SILENCED: Final = ("opentelemetry", "urllib3")  # they write of each batch that fails

Count: TypeAlias = Callable[[SpanOutcome, int], None]
_log = structlog.get_logger("gateway.traces")


@contextmanager
def traces(
    exporter: SpanExporter,
    *,
    sample_ratio: float,
    most_waiting: int,
    version: str,
    count: Count,
) -> Iterator[Traces]:
    """Tracing within the context; at its end a little time for what still waits.

    Args:
        exporter: takes batches, and may block.
        sample_ratio: share of the traces begun here that are kept, 0 to 1.
        most_waiting: spans; one too many is dropped.
        version: of the gateway.
        count: is told what became of spans, by more than one thread.
    """
    counted = _Counted(exporter, count)
    processor = _Bounded(counted, most_waiting=most_waiting)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
        # Made by itself, it would take words out of the environment.
        resource=Resource({"service.name": "enrollment-gateway", "service.version": version}),
        id_generator=CleanIds(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(processor)
    try:
        yield Traces(provider.get_tracer("gateway", version))
    finally:
        # It waits for a batch that is under way; nobody waits longer than this for it.
        goodbye = threading.Thread(target=processor.shutdown, daemon=True)
        goodbye.start()
        goodbye.join(_GOODBYE_SECONDS)
        counted.shutdown()


def over_http(url: str) -> SpanExporter:
    """To the traces endpoint of a collector, and by no proxy that the environment names."""
    for name in _SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    session = requests.Session()
    session.trust_env = False
    return OTLPSpanExporter(endpoint=url, timeout=_ANSWER_SECONDS, session=session)


class _Counted(SpanExporter):
    """Hands spans on, and counts how that went."""

    def __init__(self, exporter: SpanExporter, count: Count) -> None:
        self._exporter = exporter
        self._went = True
        self.count = count
        self.taken = 0
        """Spans that wait no more."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        try:
            result = self._exporter.export(spans)
        except Exception:  # noqa: BLE001 - whatever it is, it is no reason to stop tracing
            result = SpanExportResult.FAILURE
        went = result is SpanExportResult.SUCCESS
        self.count("exported" if went else "dropped", len(spans))
        if went is not self._went:
            self._went = went
            if went:
                _log.info("traces_taken", where="tracing.url")
            else:
                reason = "the collector does not take spans; they are dropped, and counted"
                _log.warning("traces_not_taken", where="tracing.url", reason=reason)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _Bounded(BatchSpanProcessor):
    """Lets no more spans wait than allowed. The library would, but without counting."""

    def __init__(self, exporter: _Counted, *, most_waiting: int) -> None:
        super().__init__(
            exporter,
            max_queue_size=most_waiting,
            schedule_delay_millis=_EVERY_SECONDS * 1000,
            max_export_batch_size=min(_BATCH, most_waiting),
        )
        self._to = exporter
        self._most = most_waiting
        self._given = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Called on the event loop."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        if self._given - self._to.taken >= self._most:
            self._to.count("dropped", 1)
            return
        self._given += 1
        super().on_end(span)
