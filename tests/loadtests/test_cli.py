"""The commands, and short runs with real processes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from typer.testing import CliRunner

from loadtests.cli import app
from loadtests.logs import Run, Sent, Told, read_sent
from loadtests.parts import PartError, running
from loadtests.run import LOCUSTFILE

QUIET = """
title = "A few quiet seconds"
prose = "Nothing happens."
limit_seconds = 3
[arrivals]
per_second = 10
seconds = 3
[packets]
scale = 0.001
[server]
service_seconds = 0.02
[limits]
sent_late_p99_seconds = 1.0
"""

HANGS = """
[[faults]]
kind = "hang"
at_seconds = 1
duration_seconds = 100
"""


def _scenario(folder: Path, text: str) -> str:
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def _loadtests(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "loadtests", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "300"},
    )


def _done(*arguments: str) -> tuple[int, str]:
    process = _loadtests(*arguments)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def test_list_names_every_scenario_and_the_next_command() -> None:
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 0
    for text in ("five-minute-outage", "season", "python -m loadtests show"):
        assert text in result.output


def test_show_tells_story_server_faults_and_targets() -> None:
    result = CliRunner().invoke(app, ["show", "five-minute-outage"])
    assert result.exit_code == 0
    for text in ("it goes down for five", "11.4 a second", "hang at_seconds=120", "retips"):
        assert text in " ".join(result.output.split())


def test_help_says_where_to_begin_and_what_exit_codes_mean() -> None:
    result = CliRunner().invoke(app, ["--help"], terminal_width=100)
    for text in ("demo", "compare", "verify", "server", "Exit codes"):
        assert text in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "five-minutes-outage"], "did you mean five-minute-outage?"),
        (["run", "baseline", "--via", "pigeon"], "choose of gateway, direct, nginx"),
        (["compare", "baseline", "--via", "direct,pigeon"], "choose of gateway, direct, nginx"),
    ],
)
def test_a_mistake_ends_with_2_and_says_what_would_do(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert told in result.output


@pytest.mark.slow
def test_a_quiet_run_passes_and_leaves_its_logs_and_reports(tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, output = _done(
        "run", _scenario(tmp_path, QUIET), "--via", "direct", "--seed", "7", "--out", str(out)
    )
    assert code == 0, output
    assert "PASSED" in output
    assert "citizens came" in output
    assert f"Next:   python -m loadtests verify {out}" in output
    for name in (
        "sent.jsonl",
        "ledger.jsonl",
        "verdict.json",
        "junit.xml",
        "report.html",
        "locust.html",
        "environment.json",
    ):
        assert (out / name).stat().st_size > 0, name
    code, output = _done("verify", str(out))
    assert code == 0, output
    code, output = _done("run", _scenario(tmp_path, QUIET), "--via", "direct", "--out", str(out))
    assert code == 2
    assert "holds a run already" in output


@pytest.mark.slow
def test_two_workers_send_what_one_sends_and_share_one_verdict(tmp_path: Path) -> None:
    scenario = _scenario(tmp_path, QUIET)
    for workers in ("1", "2"):
        code, output = _done(
            *("run", scenario, "--via", "direct", "--seed", "3"),
            *("--workers", workers, "--out", str(tmp_path / workers)),
        )
        assert code == 0, output
    assert _citizens(tmp_path / "1") == _citizens(tmp_path / "2")
    runs = [event for event in read_sent(tmp_path / "2" / "sent.jsonl") if isinstance(event, Run)]
    assert [0 < (run.clock_offset or 0) < 0.05 for run in runs] == [True, True]


@pytest.mark.slow
def test_logs_of_several_hosts_in_one_folder_are_judged_as_one(tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, output = _done(
        *("run", _scenario(tmp_path, QUIET), "--via", "direct", "--seed", "3"),
        *("--workers", "2", "--out", str(out)),
    )
    assert code == 0, output
    arrivals = json.loads((out / "verdict.json").read_text())["measures"]["arrivals"]
    run, *events = (out / "sent.jsonl").read_bytes().splitlines(keepends=True)
    own = [event for event in events if b'"36.03.01-1"' in event or b"-36.03.01-1-" in event]
    (out / "sent-other-host.jsonl").write_bytes(run + b"".join(own))
    (out / "sent.jsonl").write_bytes(b"".join(event for event in events if event not in own))
    _done("verify", str(out))
    verdict = json.loads((out / "verdict.json").read_text())
    assert verdict["measures"]["arrivals"] == arrivals
    assert verdict["measures"]["lost"] == 0


@pytest.mark.slow
def test_a_gateway_that_is_killed_and_started_again_loses_nothing(tmp_path: Path) -> None:
    out = tmp_path / "run"
    kill = "[[kills]]\nat_seconds = 1\ndown_seconds = 0.5\n"
    code, output = _done(
        "run", _scenario(tmp_path, QUIET.replace("= 3\n", "= 60\n", 1) + kill), "--out", str(out)
    )
    assert code == 0, output
    started = (out / "gateway.log").read_text().count('"event": "listening"')
    assert started == 2, (out / "gateway.log").read_text()


@pytest.mark.slow
def test_officers_who_press_enter_at_a_server_that_hangs_lose_enrollments(tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, output = _done(
        "run", _scenario(tmp_path, QUIET + HANGS), "--via", "direct", "--out", str(out)
    )
    assert code == 3, output
    assert "lost" in output
    attempts = [event.attempt for event in read_sent(out / "sent.jsonl") if isinstance(event, Sent)]
    assert max(attempts) >= 2


@pytest.mark.slow
def test_a_comparison_sends_the_same_citizens_each_way_and_shows_both(tmp_path: Path) -> None:
    out = tmp_path / "both"
    code, output = _done(
        "compare", _scenario(tmp_path, QUIET), "--at-once", "--seed", "5", "--out", str(out)
    )
    assert code == 0, output
    assert "via gateway" in output
    assert "via direct" in output
    assert (out / "comparison.html").stat().st_size > 0
    assert _citizens(out / "gateway") == _citizens(out / "direct")
    assert (out / "gateway" / "gateway.jsonl").stat().st_size > 0


def _citizens(folder: Path) -> set[tuple[str, str, float]]:
    """Who came: key, digest, and when in seconds after the start."""
    events = list(read_sent(folder / "sent.jsonl"))
    origin = next(event.time_origin for event in events if isinstance(event, Run))
    return {
        (event.key, event.sha256, round(event.due - origin, 4))
        for event in events
        if isinstance(event, Sent)
    }


@pytest.mark.slow
def test_ctrl_c_stops_every_program_that_was_started(tmp_path: Path) -> None:
    text = QUIET.replace("seconds = 3", "seconds = 60")
    out = tmp_path / "run"
    process = _loadtests("run", _scenario(tmp_path, text), "--via", "direct", "--out", str(out))
    _wait_for(out / "sent.jsonl")
    started = psutil.Process(process.pid).children(recursive=True)
    assert len(started) == 2
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped" in output
    assert not [child for child in started if child.is_running()]


def _wait_for(path: Path) -> None:
    for _ in range(200):
        if path.exists() and path.stat().st_size > 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"{path.name} was never written")


async def test_a_program_that_does_not_start_is_told_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    async def never() -> None:
        return None

    command = [sys.executable, "-c", "print('no such port'); raise SystemExit(3)"]
    async with running("gateway", command, tmp_path / "gateway.log") as part:
        with pytest.raises(PartError, match=r"(?s)gateway ended with exit code 3.*no such port"):
            await part.ready(never)


class Gateway:
    """Answers by a script: refuses first, then promises, then has delivered."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self.asked: dict[str, int] = {}
        self.preferences: set[str | None] = set()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Refuse a key once; promise; deliver when a receipt is asked for twice."""
        if request.method == "GET":
            key = request.path.rpartition("/")[2]
            self.asked[key] = self.asked.get(key, 0) + 1
            final = self.asked[key] > 1
            receipt = {
                "id": key,
                "status": "delivered" if final else "pending",
                "response": {"status": 201} if final else None,
            }
            return web.json_response(receipt)
        await request.read()
        key = request.headers["Idempotency-Key"]
        self.preferences.add(request.headers.get("Prefer"))
        self.seen[key] = self.seen.get(key, 0) + 1
        if self.seen[key] == 1:
            return web.Response(status=503, headers={"Retry-After": "0"})
        location = f"/_gateway/receipts/{key}"
        return web.Response(status=202, headers={"Location": location, "Retry-After": "0"})


@pytest.mark.slow
async def test_plain_locust_sends_again_by_key_and_follows_receipts(tmp_path: Path) -> None:
    gateway = Gateway()
    sent = tmp_path / "sent.jsonl"
    scenario = _scenario(tmp_path, QUIET.replace("limit_seconds = 3", "limit_seconds = 20"))
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"]
    command += ["--only-summary", "--scenario", scenario, "--sent", str(sent)]
    async with RawTestServer(gateway.answer) as server:
        process = await asyncio.create_subprocess_exec(
            *command, "--host", str(server.make_url("")).rstrip("/")
        )
        await asyncio.wait_for(process.wait(), 60)
    events = list(read_sent(sent))
    assert isinstance(events[0], Run)
    told: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, Told):
            told.setdefault(event.key, []).append(event.told)
    assert len(told) > 10
    assert all(words == ["refused", "accepted", "delivered"] for words in told.values())
    assert gateway.preferences == {None, "respond-async"}
