"""What the process does with signals, with a journal that is taken, with a wrong configuration."""

import asyncio
import signal
import socket
import time
from pathlib import Path

import pytest

from loadtests.verdict import PASSED
from tests.acceptance.ports import free_port
from tests.acceptance.processes import Gateway, ask, command
from tests.acceptance.scene import FORGETFUL, FORGETFUL_SERVER, Scene, harm, meanwhile, scene, until
from tests.faults.effort import effort
from tests.faults.trials import Seen

SERVER = ("--workers", "4", "--service-seconds", "0.1")
UPSTREAM = "http://127.0.0.1:1"  # nobody is there


def nothing_harmed(stage: Scene) -> None:
    verdict = stage.verdict()
    assert harm(verdict) == {}
    assert verdict.exit_code == PASSED, verdict.sentence


@pytest.mark.slow
@pytest.mark.fault(
    12,
    did="SIGTERM in a surge",
    sees="exit 0 within 10 s; nothing lost or doubled after the next start",
)
async def test_sigterm_under_load_ends_it_in_ten_seconds_and_loses_nothing(tmp_path: Path) -> None:
    with scene(tmp_path, server=SERVER) as stage:
        await asyncio.to_thread(stage.start)
        surge = stage.surge(120, rate=40, async_share=0.3)
        async with meanwhile(surge.run(), seconds=60):
            await until(lambda: len(surge.promised) >= 10)
            began = time.monotonic()
            assert await asyncio.to_thread(stage.gateway.stop) == 0
            assert time.monotonic() - began < 10
            await asyncio.to_thread(stage.gateway.start)
        found = await stage.drained()
        nothing_harmed(stage)
        assert found["accepted"] == 120


def test_a_gateway_that_is_stopping_says_that_it_is_not_ready(tmp_path: Path) -> None:
    with Gateway(tmp_path, UPSTREAM) as gateway:
        gateway.start()
        host, port = gateway.url.removeprefix("http://").split(":")
        # An upload that does not end keeps it from ending at once.
        with socket.create_connection((host, int(port))) as upload:
            upload.sendall(b"POST /e HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nhalf")
            time.sleep(0.2)
            gateway.running.signal(signal.SIGTERM)
            time.sleep(0.5)
            status, said = ask("GET", f"{gateway.admin}/readyz")
        assert status == 503
        assert (said["ready"], said["reason"]) == (False, "the gateway is stopping")
        assert gateway.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.fault(
    12,
    did="SIGSTOP in a surge, then SIGCONT, before a server that ignores keys",
    sees="nothing is sent twice, nothing lost",
)
async def test_a_process_that_was_stopped_and_goes_on_doubles_nothing(
    tmp_path: Path, seen: Seen
) -> None:
    # While it stands still, every timeout of its own passes, and the server's answers pile up.
    settings = {**FORGETFUL, "upstream.timeout_seconds": 1, "intake.hold_seconds": 1}
    with scene(tmp_path, server=(*SERVER, *FORGETFUL_SERVER), settings=settings) as stage:
        await asyncio.to_thread(stage.start)
        surge = stage.surge(90, rate=30, async_share=0.3)
        stopped = effort().stopped_seconds
        async with meanwhile(surge.run(), seconds=stopped + 60):
            await until(lambda: len(surge.promised) >= 10)
            stage.gateway.running.signal(signal.SIGSTOP)
            await asyncio.sleep(stopped)
            stage.gateway.running.signal(signal.SIGCONT)
        found = await stage.drained()
        nothing_harmed(stage)
        assert found["accepted"] == found["delivered"] == 90
        seen(f"it stood still for {stopped:.0f} s")


@pytest.mark.fault(
    10,
    did="started a second gateway on the journal of a running one",
    sees="exit 75 and what to do; the first goes on",
)
def test_a_second_gateway_on_the_same_journal_is_turned_away(tmp_path: Path) -> None:
    with Gateway(tmp_path, UPSTREAM) as gateway:
        gateway.start()
        second = gateway.command(
            *("serve", "--listen", f"127.0.0.1:{free_port()}"),
            *("--admin-listen", f"127.0.0.1:{free_port()}"),
        )
        assert second.returncode == 75
        assert "Another gateway is using the journal" in second.stderr
        assert "Stop it first" in second.stderr
        status, receipt = ask(
            "POST", f"{gateway.url}/enrollments", body={}, headers={"Prefer": "respond-async"}
        )
        assert (status, receipt["status"]) == (202, "pending")
        assert gateway.stop() == 0


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        (
            'upstream.url = "http://127.0.0.1:1"\nintake.hold_second = 3\n',
            ["gateway.toml:2: intake.hold_second"],
        ),
        (
            'upstream.url = "ftp://127.0.0.1"\nupstream.timeout_seconds = -1\n',
            ["gateway.toml:1: upstream.url", "gateway.toml:2: upstream.timeout_seconds"],
        ),
        ("retry.base_seconds = 1\n", ["upstream.url", "--upstream"]),
        (
            'upstream.url = "http://127.0.0.1:1"\nintake.listen = "0.0.0.0:0"\n',
            ["intake.listen", "stations.tokens_file", "intake.client_ca", "intake.allow_anonymous"],
        ),
        (
            'upstream.url = "http://127.0.0.1:1"\nstations.tokens_file = "none.json"\n',
            ["stations.tokens_file", "stations add"],
        ),
    ],
    ids=["unknown-key", "two-values", "no-upstream", "open-to-all", "no-such-file"],
)
def test_a_wrong_configuration_ends_it_with_78_and_every_key_named(
    tmp_path: Path, text: str, complaints: list[str]
) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(text)
    ended = command("serve", "--config", str(config), "--journal", f"sqlite:///{tmp_path}/j.db")
    assert ended.returncode == 78
    assert [complaint for complaint in complaints if complaint not in ended.stderr] == []
    assert not (tmp_path / "j.db").exists()


def test_an_unknown_variable_of_the_environment_ends_it_with_78(tmp_path: Path) -> None:
    environ = {"ENROLLMENT_GATEWAY__INTAKE__HOLD_SECOND": "3"}
    ended = command(
        *("serve", "--upstream", UPSTREAM, "--journal", f"sqlite:///{tmp_path}/j.db"),
        environ=environ,
    )
    assert ended.returncode == 78
    assert "ENROLLMENT_GATEWAY__INTAKE__HOLD_SECOND" in ended.stderr


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    port = free_port()
    environ = {"ENROLLMENT_GATEWAY__INTAKE__LISTEN": f"127.0.0.1:{port}"}
    with Gateway(tmp_path, UPSTREAM, environ=environ) as gateway:
        gateway.launch()
        gateway.running.until_up(f"http://127.0.0.1:{port}/_gateway/jwks.json")
        assert gateway.stop() == 0
