"""schemathesis against a real gateway: each listener answers as its description says, never 5xx."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.processes import Gateway, command
from tests.support.openapi import OPERATORS, STATIONS
from tests.support.raw_server import answering, raw_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLES: Final = os.environ.get("ENROLLMENT_SCHEMATHESIS_EXAMPLES", "25")
CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)


async def try_all(url: str, file: Path, token: str, folder: Path) -> str:
    """Run it; what it said, if all was well."""
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("schemathesis is not installed: make setup")
        pytest.skip("schemathesis is not installed: make setup")
    run = await asyncio.create_subprocess_exec(
        *(program, "run", str(file), "--url", url, "--checks", CHECKS),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES),
        *("--generation-deterministic", "--no-color"),
        *("--header", f"Authorization: Bearer {token}", "--suppress-health-check", "all"),
        *("--continue-on-failure", "--warnings", "off"),
        cwd=folder,  # it leaves a folder of its own behind
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    out, _ = await run.communicate()
    said = out.decode(errors="replace")
    assert run.returncode == 0, said[-6000:]
    return said


def count(said: str) -> int:
    """How many requests it made."""
    found = re.search(r"(\d+) generated", said)
    assert found is not None, said[-1000:]
    return int(found[1])


@pytest.mark.fault(
    33,
    did="what the OpenAPI description of the stations' listener allows, and what it does not",
    sees="every answer as described, no 5xx",
)
async def test_the_stations_listener_answers_as_described(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    tokens = tmp_path / "stations.json"
    added = command("stations", "add", "mauk-1", "--tokens-file", str(tokens))
    settings = {"stations.tokens_file": str(tokens), "intake.hold_seconds": 2}
    server_says = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    async with raw_server(server_says) as server:
        with Gateway(tmp_path, server.url, settings) as gateway:
            await asyncio.to_thread(gateway.start)
            said = await try_all(gateway.url, STATIONS, added.stdout.strip(), tmp_path)
            log = gateway.running.log.read_text()
    record_property("seen", f"{count(said)} requests")
    assert count(said) > 100
    assert "request_failed" not in log
    assert "connection_failed" not in log


async def test_the_operators_listener_answers_as_described(tmp_path: Path) -> None:
    async with raw_server(answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as server:
        with Gateway(tmp_path, server.url) as gateway:
            await asyncio.to_thread(gateway.start)
            token = gateway.journal.with_name(f"{gateway.journal.name}.admin-token").read_text()
            said = await try_all(gateway.admin, OPERATORS, token.strip(), tmp_path)
            log = gateway.running.log.read_text()
    assert count(said) > 100
    assert "admin_request_failed" not in log
