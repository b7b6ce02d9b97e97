"""The listener's deadlines, and its end: nothing that was promised is cut."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest
from aiohttp import http_parser

from gateway.core.enrollment import Answer
from gateway.core.lifecycle import Status
from gateway.intake.listener import Listener
from gateway.intake.settings import IntakeSettings
from gateway.intake.tls import server_context
from tests.support.door import RECORDED, Door, open_door

HEAD = b"POST /e HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n"


async def until_handed(door: Door) -> None:
    while not door.delivery.handed:  # noqa: ASYNC110 - the double has no event
        await asyncio.sleep(0.001)


@pytest.mark.fault(
    30,
    did="a head that comes line by line and does not end",
    sees="408 and close at the deadline",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_head_that_does_not_end_is_closed_at_its_deadline(tmp_path: Path) -> None:
    settings = IntakeSettings(header_timeout_seconds=0.1)
    async with open_door(tmp_path, settings=settings) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        writer.write(b"POST /e HTTP/1.1\r\n")
        for _ in range(4):
            await asyncio.sleep(0.03)
            writer.write(b"X-A: 1\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        assert b" 408 " in answer
        assert b"request-timeout" in answer


async def test_the_deadline_of_a_head_is_not_that_of_a_request(tmp_path: Path) -> None:
    settings = IntakeSettings(header_timeout_seconds=0.05)
    async with open_door(tmp_path, settings=settings) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        writer.write(b"POST /e HTTP/1.1\r\nHost: g\r\n")
        await asyncio.sleep(0.01)
        writer.write(b"Content-Length: 3\r\n\r\n")
        for _ in range(3):
            await asyncio.sleep(0.04)
            writer.write(b"x")
        assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
        await asyncio.sleep(0.1)
        writer.write(HEAD % 0)
        assert b" 201 " in await reader.readuntil(b"HTTP/1.1 201 ")
        writer.close()


async def test_an_idle_connection_is_closed_when_its_time_is_up(tmp_path: Path) -> None:
    async with open_door(tmp_path, settings=IntakeSettings(keepalive_seconds=0.1)) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.fault(
    30,
    did="a slow, steady upload",
    sees="passes",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_slow_but_steady_upload_passes(tmp_path: Path) -> None:
    settings = IntakeSettings(body_idle_timeout_seconds=0.1)
    async with open_door(tmp_path, settings=settings) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        writer.write(HEAD % (4096 * 6))
        for _ in range(6):
            await asyncio.sleep(0.05)
            writer.write(b"x" * 4096)
        assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
        writer.close()


@pytest.mark.fault(
    30,
    did="a body that comes byte by byte",
    sees="408, nothing kept",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_body_that_dribbles_is_cut(tmp_path: Path) -> None:
    settings = IntakeSettings(body_idle_timeout_seconds=0.1)
    async with open_door(tmp_path, settings=settings) as door:
        _, writer = await asyncio.open_connection(*door.address)
        writer.write(HEAD % 1_000)
        for _ in range(8):
            await asyncio.sleep(0.02)
            writer.write(b"x")
        writer.close()
        assert door.finished().status == 408
        assert (await door.totals()).accepted == 0


@pytest.mark.fault(
    30,
    did="a reader that does not read",
    sees="cut; the next station is answered",
    stand_in="delivery behind the real listener follows a script",
)
async def test_a_reader_that_does_not_read_is_cut_and_others_are_not(tmp_path: Path) -> None:
    settings = IntakeSettings(body_idle_timeout_seconds=0.1)
    async with open_door(tmp_path, settings=settings) as door:
        door.delivery.answers = lambda _: Answer(200, (), b"x" * 16_000_000)
        reader, writer = await asyncio.open_connection(*door.address, limit=1_024)
        writer.write(HEAD % 0)
        await until_handed(door)
        server = door.listener._server
        assert server is not None
        while server.stations:  # noqa: ASYNC110 - nothing tells that a connection was cut
            await asyncio.sleep(0.01)
        door.delivery.answers = lambda _: RECORDED
        assert (await door.ask(body=b"other")).status == 201
        writer.close()
        del reader


async def test_stopping_lets_held_stations_get_their_answers(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        door.delivery.answers = lambda _: None
        asking = asyncio.ensure_future(door.ask())
        await until_handed(door)
        idle, idle_writer = await asyncio.open_connection(*door.address)
        await asyncio.sleep(0.01)
        door.listener.stop_accepting()
        draining = asyncio.ensure_future(door.listener.drain(5.0))
        assert await idle.read() == b""
        idle_writer.close()
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection(*door.address)
        await door.settle(await door.only(), Status.DELIVERED, RECORDED)
        got = await asking
        assert (got.status, got.headers["Connection"]) == (201, "close")
        async with asyncio.timeout(5):
            await draining


async def test_stopping_gives_receipts_to_those_still_held_near_the_end(tmp_path: Path) -> None:
    async with open_door(tmp_path, settings=IntakeSettings(hold_seconds=60.0)) as door:
        door.delivery.answers = lambda _: None
        asking = asyncio.ensure_future(door.ask())
        await until_handed(door)
        door.listener.stop_accepting()
        async with asyncio.timeout(5):
            await door.listener.drain(0.2)
        got = await asking
        assert (got.status, (await door.totals()).accepted) == (202, 1)


async def test_stopping_does_not_wait_for_ever_for_an_upload(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        reader, writer = await asyncio.open_connection(*door.address)
        writer.write(HEAD % 10 + b"half")
        await asyncio.sleep(0.02)
        door.listener.stop_accepting()
        async with asyncio.timeout(5):
            await door.listener.drain(0.1)
        assert await reader.read() == b""
        writer.close()
        assert (await door.totals()).accepted == 0


async def test_the_listener_speaks_tls_and_knows_a_station_by_its_certificate(
    tmp_path: Path,
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "1", "-subj", "/CN=mauk-1", "-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    subprocess.run(command, check=True, capture_output=True)  # noqa: ASYNC221 - a moment, in a test
    async with open_door(tmp_path) as door:
        listener = Listener(
            door.intake, tls=server_context(certificate, key, client_ca=certificate)
        )
        address = await listener.start("127.0.0.1", 0)
        client = ssl.create_default_context(cafile=str(certificate))
        client.load_cert_chain(certificate, key)
        reader, writer = await asyncio.open_connection(
            *address, ssl=client, server_hostname="localhost"
        )
        writer.write(HEAD % 1 + b"x")
        assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
        writer.close()
        await writer.wait_closed()
        enrollment = await door.only()
        assert enrollment.station == "mauk-1"
        assert dict(enrollment.headers)["Forwarded"].endswith("proto=https")
        listener.stop_accepting()
        await listener.drain(0.1)


async def test_a_gateway_without_the_c_parser_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_door(tmp_path) as door:
        monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
        with pytest.raises(RuntimeError, match="C parser"):
            door.intake.server()
