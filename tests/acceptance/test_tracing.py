"""Traces of a real gateway, at a real collector: from the station's request to a late delivery."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.acceptance.desk import desk
from tests.acceptance.ports import free_port
from tests.acceptance.processes import Gateway
from tests.support.collector import collector, ids, values
from tests.support.raw_server import RawServer, answering, raw_server, silent

pytestmark = pytest.mark.slow

TRACE, STATION = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
RETRY = {"retry.base_seconds": 0.2, "retry.cap_seconds": 0.5, "log.level": "debug"}


class Moody:
    """A server that is busy until ``answer`` is another."""

    answer = BUSY

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(self.answer)(reader, writer)


def named(name: str, **told: str) -> Callable[[Span], bool]:
    """A span of that name, of which all this is told."""
    wanted = {f"enrollment.{key}": value for key, value in told.items()}
    return lambda span: span.name == name and wanted.items() <= values(span.attributes).items()


def sent_in(server: RawServer) -> list[str]:
    """The ``traceparent`` of each request that the server saw."""
    heads = [request.partition(b"\r\n\r\n")[0].decode() for request in server.requests]
    lines = [line for head in heads for line in head.split("\r\n")]
    return [line.partition(": ")[2] for line in lines if line.startswith("traceparent: ")]


async def test_a_delivery_after_a_crash_links_to_the_request_that_began_it(tmp_path: Path) -> None:
    mood = Moody()
    async with collector() as traces, raw_server(mood) as server:
        settings = {**RETRY, "tracing.url": traces.url}
        with Gateway(tmp_path, server.url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            async with desk(gateway.url) as station:
                receipt = await station.promised("key", traceparent=f"00-{TRACE}-{STATION}-01")
                await traces.until(named("attempt", outcome="refused"))
                began = await traces.until(named("enrollment", outcome="accepted"))
                page = await asyncio.to_thread(open_metrics, gateway)
            await asyncio.to_thread(gateway.kill)
            before = gateway_log(tmp_path)
            mood.answer = CREATED
            await asyncio.to_thread(gateway.start)
            async with desk(gateway.url) as station:
                document = await station.until(receipt, "delivered")
            delivered = await traces.until(named("attempt", outcome="delivered"))
            commit = await traces.until(named("journal.commit"))
            late = await asyncio.to_thread(open_metrics, gateway)

    assert ids(began) == f"{TRACE} {began.span_id.hex()} {STATION}"
    assert began.kind == Span.SPAN_KIND_SERVER
    request = f"{TRACE} {began.span_id.hex()}"
    assert ids(commit) == f"{TRACE} {commit.span_id.hex()} {began.span_id.hex()}"
    # Of the same trace, and linked to the span that the process before this one began.
    own = f"{TRACE} {delivered.span_id.hex()} {began.span_id.hex()}"
    assert ids(delivered) == f"{own} {request}"
    assert delivered.kind == Span.SPAN_KIND_CLIENT
    assert values(delivered.attributes)["enrollment.id"] == document["id"]
    assert values(delivered.attributes)["enrollment.attempt"] == document["attempts"] > 1
    # The server is told of the attempt's span, each time of another, and of one alone.
    assert len(server.requests) == len(sent_in(server)) == len(set(sent_in(server)))
    assert sent_in(server)[-1] == f"00-{TRACE}-{delivered.span_id.hex()}-01"
    assert traces.resource["service.name"] == "enrollment-gateway"
    # From a bucket to the trace, and from the trace to the log.
    exemplar = f'# {{trace_id="{TRACE}"}}'
    assert [line for line in page if "accept_duration_seconds_bucket" in line and exemplar in line]
    for name in ("attempt_duration_seconds_bucket", "delivery_duration_seconds_bucket"):
        assert [line for line in late if name in line and exemplar in line]
    assert TRACE in {line.get("trace_id") for line in before if "accepted" in line["event"]}


async def test_a_live_enrollment_and_a_lookup_are_traced(tmp_path: Path) -> None:
    answers = [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", CREATED]

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = answers.pop(0)
        await answering(answer)(reader, writer)
        if not answer:
            writer.close()

    forgetful = {
        "upstream.honours_idempotency_key": False,
        "upstream.lookup_path": "/by-key/{key}",
        "upstream.settle_seconds": 0.1,
    }
    async with collector() as traces, raw_server(behave) as server:
        settings = {**RETRY, **forgetful, "tracing.url": traces.url}
        with Gateway(tmp_path, server.url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            async with desk(gateway.url) as station:
                await station.until(await station.promised("key"), "delivered")
                lookup = await traces.until(named("lookup", outcome="delivered"))
                live = await station.enroll("another")
                assert live.status == 201
            answered = await traces.until(named("enrollment", outcome="answered"))
            assert await asyncio.to_thread(gateway.stop) == 0
    began = await traces.until(named("enrollment", outcome="accepted"))
    assert ids(lookup).startswith(began.trace_id.hex())
    assert ids(lookup).endswith(f"{began.trace_id.hex()} {began.span_id.hex()}")
    assert f"{lookup.trace_id.hex()}-{lookup.span_id.hex()}" in sent_in(server)[1]
    assert values(answered.attributes)["http.response.status_class"] == "2xx"
    assert answered.trace_id != began.trace_id


@pytest.fixture(params=["no-one-listens", "it-never-answers"])
async def away(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The URL of a collector that takes nothing."""
    if request.param == "no-one-listens":
        yield f"http://127.0.0.1:{free_port()}/v1/traces"
        return
    async with raw_server(silent) as server:
        yield f"{server.url}/v1/traces"


async def test_a_collector_that_is_away_harms_nothing(tmp_path: Path, away: str) -> None:
    async with raw_server(answering(CREATED)) as server:
        settings = {**RETRY, "tracing.url": away, "tracing.max_waiting_spans": 8}
        with Gateway(tmp_path, server.url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            async with desk(gateway.url) as station:
                for number in range(60):
                    assert (await station.enroll(f"key-{number}")).status == 201
            # 180 spans; 8 may wait, and 8 may be on their way.
            page = await asyncio.to_thread(open_metrics, gateway)
            (dropped,) = (line for line in page if 'spans_total{outcome="dropped"}' in line)
            assert float(dropped.rpartition(" ")[2]) >= 100
            assert await asyncio.to_thread(gateway.stop) == 0
    log = gateway_log(tmp_path)
    assert sum(line["event"] == "traces_not_taken" for line in log) <= 1
    assert {line["logger"].partition(".")[0] for line in log} <= {"gateway", "asyncio"}


def test_without_its_packages_tracing_is_refused_with_what_to_do(tmp_path: Path) -> None:
    gateway = Gateway(
        tmp_path, "http://127.0.0.1:9", {"tracing.url": "http://127.0.0.1:9/v1/traces"}
    )
    lean = "import sys; sys.modules['opentelemetry'] = None;"
    run = "import runpy; runpy.run_module('gateway', run_name='__main__', alter_sys=True)"
    with gateway:
        gateway.launch(("-c", lean + run))
        assert gateway.running.process.wait(60) == 78
    told = (tmp_path / "gateway.log").read_text()
    assert "tracing.url" in told
    assert "pip install 'enrollment-gateway[tracing]'" in told


def open_metrics(gateway: Gateway) -> list[str]:
    """The lines of its metrics, as Prometheus asks for them."""
    connection = http.client.HTTPConnection(urlsplit(gateway.admin).netloc, timeout=30)
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    try:
        connection.request("GET", "/metrics", headers=accept)
        return connection.getresponse().read().decode().splitlines()
    finally:
        connection.close()


def gateway_log(folder: Path) -> list[dict[str, str]]:
    """What the gateway has written so far."""
    return [json.loads(line) for line in (folder / "gateway.log").read_text().splitlines()]
