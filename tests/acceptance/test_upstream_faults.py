"""The way to the recording server: what it says of waiting, where it is, whether it is there."""

import asyncio
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.desk import desk
from tests.acceptance.ports import free_port
from tests.acceptance.processes import PLAIN, Gateway
from tests.faults import with_hosts
from tests.support.raw_server import answering, raw_server

pytestmark = pytest.mark.slow

CREATED = answering(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
QUICK = {"retry.base_seconds": 0.1, "retry.cap_seconds": 0.2, "intake.hold_seconds": 1}


def until_next_attempt(receipt: Any) -> float:  # noqa: ANN401 - as JSON is
    """Seconds from now until the next attempt of an enrollment."""
    at = datetime.fromisoformat(receipt["next_attempt_at"])
    return (at - datetime.now(UTC)).total_seconds()


@pytest.mark.fault(
    18,
    did="429 with Retry-After: 30, with 10^9, with garbage",
    sees="the next attempt is due in 30 s, in 5 minutes, in its own backoff; none before",
)
@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [("30", 25, 31), ("1000000000", 290, 301), ("as soon as I can", -5, 3)],
)
async def test_what_the_server_says_of_waiting_is_kept_to_up_to_five_minutes(
    tmp_path: Path, retry_after: str, least: float, most: float
) -> None:
    said = f"HTTP/1.1 429 Slow Down\r\nRetry-After: {retry_after}\r\nContent-Length: 2\r\n\r\nno"
    answers = [said.encode()]

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (answering(answers.pop()) if answers else CREATED)(reader, writer)

    async with raw_server(behave) as server:
        with Gateway(tmp_path, server.url, QUICK) as gateway:
            await asyncio.to_thread(gateway.start, fork=True)
            async with desk(gateway.url) as station:
                receipt = await station.promised("patient")
                found = (await station.look(receipt)).json
                while found["attempts"] == 0 or found["status"] == "sending":
                    await asyncio.sleep(0.02)
                    found = (await station.look(receipt)).json
                if found["status"] == "pending":
                    assert least <= until_next_attempt(found) <= most
                else:
                    assert most < 5
                if most < 5:
                    await station.until(receipt, "delivered")
                else:
                    await asyncio.sleep(1.5)  # many of its own backoffs
                    assert len(server.requests) == 1


@pytest.mark.fault(
    19,
    did="a host name that nobody knows",
    sees="stopped with the reason `dns`, the backlog waits, no dead letter, delivered when the name"
    " is known",
)
async def test_a_name_that_is_not_found_costs_no_enrollment(tmp_path: Path, hosts: "Hosts") -> None:
    port = free_port()
    async with raw_server(CREATED, port=port):
        with Gateway(tmp_path, f"http://recorder.test:{port}", QUICK) as gateway:
            hosts.say("127.0.0.1 localhost")
            await asyncio.to_thread(gateway.start, hosts.launcher)
            async with desk(gateway.url) as station:
                receipts = [await station.promised(f"key-{number}") for number in range(3)]
                while True:
                    status = await asyncio.to_thread(gateway.ask_admin, "GET", "status")
                    thought = status["upstream"]
                    assert isinstance(thought, dict)
                    if thought["state"] in {"open", "paused"}:
                        break
                    await asyncio.sleep(0.1)
                found = await asyncio.to_thread(gateway.reconciliation)
                assert (found["dead_letter"], found["delivered"]) == (0, 0)
                hosts.say("127.0.0.1 localhost recorder.test")
                await asyncio.to_thread(gateway.ask_admin, "POST", "resume")
                for receipt in receipts:
                    await station.until(receipt, "delivered")


@pytest.mark.fault(
    22,
    did="moved the server's name to another address while the gateway ran",
    sees="what follows is delivered there",
)
async def test_a_name_is_resolved_again(tmp_path: Path, hosts: "Hosts") -> None:
    port = free_port()
    hosts.say("127.0.0.1 recorder.test")
    with Gateway(tmp_path, f"http://recorder.test:{port}", QUICK) as gateway:
        async with desk(gateway.url) as station:
            async with raw_server(CREATED, port=port) as first:
                await asyncio.to_thread(gateway.start, hosts.launcher)
                assert (await station.enroll("before")).status == 201
            async with raw_server(CREATED, host="127.0.0.2", port=port) as second:
                receipt = await station.promised("after")
                hosts.say("127.0.0.2 recorder.test")
                await station.until(receipt, "delivered")
        assert (len(first.requests), len(second.requests)) == (1, 1)


@pytest.mark.fault(
    22,
    did="a server that takes the connection and never shakes hands (TLS)",
    sees="given up after the connect timeout, tried again, nothing sent, nothing in doubt",
)
async def test_a_handshake_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    settings = {**QUICK, "upstream.connect_timeout_seconds": 0.3, "upstream.timeout_seconds": 20}
    async with raw_server(CREATED) as server:  # it waits for a request that it can read
        with Gateway(tmp_path, server.url.replace("http:", "https:"), settings) as gateway:
            await asyncio.to_thread(gateway.start, fork=True)
            async with desk(gateway.url) as station:
                receipt = await station.promised("shaken")
                deadline = time.monotonic() + 60
                while (found := (await station.look(receipt)).json)["attempts"] < 2:
                    assert time.monotonic() < deadline, found
                    assert found["status"] in {"pending", "sending"}
                    await asyncio.sleep(0.05)
        assert server.requests == []


class Hosts:
    """An /etc/hosts of a gateway's own."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "hosts"
        self.launcher = ("-m", with_hosts.__name__, str(self._file), *PLAIN)
        self.say("127.0.0.1 localhost")

    def say(self, line: str) -> None:
        self._file.write_text(f"{line}\n")


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    """It needs root; without it the test is skipped, loudly, and fails in CI."""
    unshare = shutil.which("unshare")
    trial = [str(unshare), "--mount", "true"]
    if unshare is None or subprocess.run(trial, capture_output=True, check=False).returncode:
        with_hosts.skip()
    return Hosts(tmp_path)
