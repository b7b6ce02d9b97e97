"""A collector of traces on loopback: reads OTLP over HTTP, and keeps what it was sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import RawTestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATIENCE = 60.0


@dataclass
class Collector:
    """``url`` to send to; ``spans`` in the order in which they came; ``said``: all of it."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    resource: dict[str, str | int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    async def until(self, wanted: Callable[[Span], bool]) -> Span:
        """The first span that is wanted, as soon as it is there."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for span in self.spans:
                    if wanted(span):
                        return span
                await asyncio.sleep(0.05)

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.path == "/v1/traces"
        told = ExportTraceServiceRequest.FromString(await request.read())
        for each in told.resource_spans:
            self.resource = values(each.resource.attributes)
            for scope in each.scope_spans:
                self.spans += scope.spans
                # Ids are bytes, and a reader sees them in hex.
                self.said += [f"{ids(span)} {span}" for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")


@contextlib.asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """Run one, on a free port."""
    made = Collector()
    async with RawTestServer(made.take) as server:
        made.url = f"http://{server.host}:{server.port}/v1/traces"
        yield made


def ids(span: Span) -> str:
    """Its trace, itself and its parent, and what it links to."""
    links = (f"{link.trace_id.hex()} {link.span_id.hex()}" for link in span.links)
    own = f"{span.trace_id.hex()} {span.span_id.hex()} {span.parent_span_id.hex()}"
    return " ".join((own, *links))


def values(attributes: Iterable[KeyValue]) -> dict[str, str | int]:
    """Texts and whole numbers by name."""
    return {each.key: each.value.string_value or each.value.int_value for each in attributes}
