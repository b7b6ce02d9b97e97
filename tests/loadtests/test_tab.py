"""The tab on Locust's own page."""

import json
import sys
from pathlib import Path

import aiohttp
import pytest

from loadtests.parts import fetch, free_address, running
from loadtests.run import LOCUSTFILE
from loadtests.tab import rows, so_far
from loadtests.tally import Tally

SAMPLE = b'{"event":"sample","outstanding":3}'


def _recorded(name: str) -> bytes:
    return json.dumps({"event": "recorded", "enrollment": name, "key": None}).encode()


def _sent(name: str) -> bytes:
    return json.dumps({"event": "sent", "attempt": 1, "key": name}).encode()


@pytest.mark.parametrize(
    ("sent", "ledger", "told"),
    [
        (["a", "b"], ["a"], "nothing doubled; 1 not recorded yet"),
        (["a", "b"], ["a", "b"], "all that came are recorded exactly once"),
        (["a"], ["a", "a"], "FAILED: 1 recorded more than once"),
    ],
)
def test_the_verdict_so_far_says_what_is_known(
    sent: list[str], ledger: list[str], told: str
) -> None:
    tally = Tally()
    tally.take_sent([_sent(name) for name in sent])
    tally.take_ledger([_recorded(name) for name in ledger])
    assert so_far(tally, ledger_is_known=True) == told


def test_a_generator_that_drops_arrivals_makes_the_run_invalid_at_once() -> None:
    tally = Tally()
    tally.take_sent([b'{"event":"dropped"}'])
    assert so_far(tally, ledger_is_known=True).startswith("INVALID: the generator dropped 1")


def test_without_a_ledger_nothing_is_said_of_the_server() -> None:
    shown = {row["what"]: row["now"] for row in rows(Tally(), ledger_is_known=False)}
    assert "give --ledger FILE" in shown["Verdict so far"]
    assert "Server" not in shown


def test_the_server_is_what_its_ledger_last_said() -> None:
    tally = Tally()
    tally.take_ledger([b'{"event":"server"}', SAMPLE, b'{"event":"state","state":"down"}'])
    shown = {row["what"]: row["now"] for row in rows(tally, ledger_is_known=True)}
    assert shown["Server"] == "down"
    assert shown["Outstanding at the server"] == "3"


@pytest.mark.slow
async def test_locust_serves_the_tab_and_its_rows(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_bytes(b"\n".join([b'{"event":"server"}', SAMPLE, b""]))
    address = free_address()
    host, _, port = address.rpartition(":")
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--scenario", "demo"]
    command += ["--host", "http://127.0.0.1:1", "--web-host", host, "--web-port", port]
    command += ["--ledger", str(ledger), "--sent", str(tmp_path / "sent.jsonl")]
    async with (
        aiohttp.ClientSession() as session,
        running("Locust", command, tmp_path / "log") as locust,
    ):
        page = await locust.ready(lambda: fetch(session, f"http://{address}/"))
        stats = await locust.ready(lambda: fetch(session, f"http://{address}/stats/requests"))
    assert '"extended_tabs": [{"key": "enrollments", "title": "Enrollments"}]' in page
    (tab,) = json.loads(stats)["extended_stats"]
    assert tab["key"] == "enrollments"
    assert {"what": "Outstanding at the server", "now": "3"} in tab["data"]
