"""TLS on both sides of a real gateway: who is let in, who is trusted, and certificates that change.

The gateway is never started again here: what changes, changes under its feet.
"""

import asyncio
import contextlib
import http.client
import json
import signal
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.acceptance.processes import Gateway, Part
from tests.acceptance.scene import until
from tests.support.certificates import Authority, Pair

pytestmark = pytest.mark.slow


class SecureGateway(Gateway):
    """A gateway whose stations speak TLS to it, so that it is asked for its certificate."""

    def __init__(
        self, folder: Path, upstream: str, settings: dict[str, object], trusted: Path, pair: Pair
    ) -> None:
        super().__init__(folder, upstream, settings)
        self._trusted, self._pair = trusted, pair

    def until_ready(self) -> None:
        self.running.until_up(f"{self.admin}/healthz")
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.get("/_gateway/jwks.json", self._pair)
                return
            assert time.monotonic() < deadline, self.running.tail()
            time.sleep(0.05)

    def get(
        self, path: str, pair: Pair | None, *, method: str = "GET", trusted: Path | None = None
    ) -> tuple[int, dict[str, Any], bytes]:
        """Ask over a connection of its own; with the certificate that the gateway showed."""
        context = ssl.create_default_context(cafile=trusted or self._trusted)
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        parts = urlsplit(self.url)
        asking = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=30, context=context
        )
        with contextlib.closing(asking):
            asking.connect()
            shown = asking.sock.getpeercert(binary_form=True)
            headers = {"Prefer": "respond-async", "Idempotency-Key": "k"}
            asking.request(method, path, b"biodata" if method == "POST" else None, headers)
            answer = asking.getresponse()
            return answer.status, json.loads(answer.read() or b"{}"), shown or b""


@dataclass
class Secured:
    """The parts of a test: who signs, and a gateway with client certificates."""

    authority: Authority
    gateway: SecureGateway
    station: Pair


@contextlib.contextmanager
def secured(folder: Path) -> Iterator[Secured]:
    authority = Authority(folder)
    station = authority.issue("mauk-1")
    served = authority.issue("gateway")
    settings: dict[str, object] = {
        "intake.tls_certificate": str(served.certificate),
        "intake.tls_key": str(served.key),
        "intake.client_ca": str(authority.file),
    }
    with SecureGateway(folder, "http://127.0.0.1:9", settings, authority.file, station) as gateway:
        gateway.start()
        yield Secured(authority, gateway, station)


def shown_by(here: Secured) -> bytes:
    """The certificate that the gateway shows to a new connection."""
    return here.gateway.get("/_gateway/jwks.json", here.station)[2]


async def becomes(condition: Callable[[], bool], part: Part) -> None:
    try:
        await until(condition, 15)
    except AssertionError:
        raise AssertionError(part.tail()) from None


@pytest.mark.fault(
    34,
    did="stations with client certificates, without one, with one of another authority, nameless",
    sees="its name in the receipt; no connection; no connection; 401; another's receipt: 404",
)
def test_a_station_is_who_its_certificate_says_and_sees_its_own_receipts_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "foreign").mkdir()
    with secured(tmp_path) as here:
        gateway = here.gateway
        status, receipt, _ = gateway.get("/e", here.station, method="POST")
        assert status == 202
        claims = gateway.command("receipts", "verify", receipt["receipt"], "--json", *keys(here))
        assert json.loads(claims.stdout)["sub"] == "mauk-1"
        own = f"/_gateway/receipts/{receipt['id']}"
        assert gateway.get(own, here.station)[0] == 200
        assert gateway.get(own, here.authority.issue("curug-1"))[0] == 404
        status, problem, _ = gateway.get("/e", here.authority.issue(None), method="POST")
        assert (status, problem["reason"]) == (401, "certificate-name")
        stranger = Authority(tmp_path / "foreign").issue("mauk-1")
        for pair in (None, stranger):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                gateway.get("/e", pair, method="POST")
        assert gateway.ask_admin("GET", "reconciliation")["accepted"] == 1


def keys(here: Secured) -> tuple[str, str]:
    """Where the command finds the keys: it has no client certificate to ask for them."""
    file = here.gateway.journal.with_name("jwks.json")
    file.write_text(json.dumps(here.gateway.get("/_gateway/jwks.json", here.station)[1]))
    return "--jwks", str(file)


async def test_a_new_certificate_is_shown_without_a_restart_and_a_broken_one_is_not_taken(
    tmp_path: Path,
) -> None:
    with secured(tmp_path) as here:
        first, part = shown_by(here), here.gateway.running
        here.authority.issue("gateway")
        await becomes(lambda: shown_by(here) != first, part)
        second = shown_by(here)
        certificate = tmp_path / "gateway.crt"
        certificate.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
        await becomes(lambda: "certificate_not_taken" in part.log.read_text(), part)
        assert shown_by(here) == second
        certificate.unlink()
        await asyncio.sleep(2.5)
        assert shown_by(here) == second
        here.authority.issue("gateway")
        await becomes(lambda: shown_by(here) != second, part)
        assert part.process.poll() is None


async def test_sighup_takes_what_is_there_and_ends_nothing(tmp_path: Path) -> None:
    with secured(tmp_path) as here:
        part = here.gateway.running
        for times in range(1, 4):
            part.signal(signal.SIGHUP)
            await becomes(
                lambda times=times: part.log.read_text().count('"certificate_taken"') >= times,  # type: ignore[misc]
                part,
            )
        assert shown_by(here)
        assert part.process.poll() is None


async def test_a_station_of_an_authority_that_is_trusted_no_more_is_shut_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "next").mkdir()
    with secured(tmp_path) as here:
        following = Authority(tmp_path / "next")
        newcomer = following.issue("curug-1")
        here.authority.file.rename(tmp_path / "old.pem")
        here.authority.file.write_bytes(following.file.read_bytes())
        old = tmp_path / "old.pem"

        def is_in(pair: Pair) -> bool:
            try:
                status, *_ = here.gateway.get("/e", pair, method="POST", trusted=old)
            except (ssl.SSLError, ConnectionError, http.client.HTTPException):
                return False
            return status == 202

        await becomes(lambda: is_in(newcomer), here.gateway.running)
        assert not is_in(here.station)


# -- towards the server ---------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def recording_server(
    pair: Pair, client_ca: Path | None = None
) -> AsyncIterator[tuple[str, list[bytes], ssl.SSLContext]]:
    """A server that says 201 to whatever comes over TLS; its URL, what came, and its context."""
    came: list[bytes] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
    context.load_cert_chain(pair.certificate, pair.key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            came.append(head)
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"https://localhost:{port}", came, context
    finally:
        listening.close()


def send(gateway: Gateway, key: str) -> int:
    """One enrollment that gets its receipt at once."""
    parts = urlsplit(gateway.url)
    asking = http.client.HTTPConnection(parts.netloc, timeout=30)
    with contextlib.closing(asking):
        headers = {"Prefer": "respond-async", "Idempotency-Key": key}
        asking.request("POST", "/e", b"biodata", headers)
        return asking.getresponse().status


def upstream(gateway: Gateway) -> dict[str, Any]:
    found = gateway.ask_admin("GET", "status")["upstream"]
    assert isinstance(found, dict)
    return found


WRONG = {
    "expired": lambda authority: authority.issue("server", days=-1),
    "of-another-host": lambda authority: authority.issue("server", host="elsewhere.example"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.fault(
    19,
    did="a server whose certificate has expired, or is for another host; then a good one",
    sees="paused, nothing sent, backlog intact, no dead letters; delivered after a resume",
)
async def test_a_server_that_cannot_prove_itself_gets_nothing_and_costs_no_enrollment(
    tmp_path: Path, wrong: str
) -> None:
    authority = Authority(tmp_path)
    async with recording_server(WRONG[wrong](authority)) as (url, came, context):
        settings = {"upstream.ca": str(authority.file), "retry.base_seconds": 0.2}
        with Gateway(tmp_path, url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            for number in range(3):
                assert await asyncio.to_thread(send, gateway, f"key-{number}") == 202
            deadline = time.monotonic() + 60
            while (found := await asyncio.to_thread(upstream, gateway))["state"] != "paused":
                assert time.monotonic() < deadline, found
                await asyncio.sleep(0.1)
            assert "tls" in found["reason"]
            counts = await asyncio.to_thread(gateway.reconciliation)
            assert (counts["accepted"], counts["delivered"], counts["dead_letter"]) == (3, 0, 0)
            assert came == []
            good = authority.issue("server")
            context.load_cert_chain(good.certificate, good.key)
            await asyncio.to_thread(gateway.ask_admin, "POST", "resume")
            await delivered(gateway, 3)
            assert len(came) == 3


async def test_the_authority_and_the_own_certificate_for_the_server_are_read_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "next").mkdir()
    old, new = Authority(tmp_path), Authority(tmp_path / "next")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(old.file.read_bytes())
    own = old.issue("gateway")
    async with recording_server(new.issue("server"), client_ca=new.file) as (url, came, _):
        settings = {
            "upstream.ca": str(trusted),
            "upstream.client_certificate": str(own.certificate),
            "upstream.client_key": str(own.key),
        }
        with Gateway(tmp_path, url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            assert await asyncio.to_thread(send, gateway, "k") == 202
            await asyncio.sleep(1)
            assert came == []
            renewed = new.issue("gateway")
            renewed.key.replace(own.key)
            renewed.certificate.replace(own.certificate)
            trusted.write_bytes(new.file.read_bytes())
            part = gateway.running
            await becomes(lambda: '"certificate_taken"' in part.log.read_text(), part)
            await asyncio.to_thread(gateway.ask_admin, "POST", "resume")
            await delivered(gateway, 1)
            assert len(came) == 1


async def test_the_own_credential_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    authority, file = Authority(tmp_path), tmp_path / "authorization"
    file.write_text("Bearer first\n")
    async with recording_server(authority.issue("server")) as (url, came, _):
        settings = {"upstream.ca": str(authority.file), "upstream.authorization_file": str(file)}
        with Gateway(tmp_path, url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            assert await asyncio.to_thread(send, gateway, "one") == 202
            await delivered(gateway, 1)
            file.write_text("Bearer second\n")
            await asyncio.sleep(1.2)
            assert await asyncio.to_thread(send, gateway, "two") == 202
            await delivered(gateway, 2)
    assert [
        b"Authorization: Bearer " + word in head
        for word, head in zip((b"first", b"second"), came, strict=True)
    ] == [True, True]


async def delivered(gateway: Gateway, count: int) -> None:
    deadline = time.monotonic() + 60
    while (found := await asyncio.to_thread(gateway.reconciliation))["delivered"] != count:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
