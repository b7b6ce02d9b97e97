"""`python -m loadtests.server` as a process of its own."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import typer
from typer.testing import CliRunner

from loadtests import logs
from loadtests.server.cli import read_faults, server
from loadtests.server.faults import FaultScriptError, Slow, Stop

app = typer.Typer()
app.command()(server)


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [sys.executable, "-m", "loadtests.server", "--listen", "127.0.0.1:0", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def post(url: str, body: bytes) -> int:
    where = urlsplit(url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=60)
    try:
        connection.request("POST", where.path, body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_says_where_it_listens_records_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    options = ("--ledger", str(ledger), "--service-seconds", "0.01", "--seed", "7")
    with running(*options) as (process, where):
        assert post(where["listening"] + "/e", b"abc") == 201
        fault = json.dumps({"kind": "hang", "duration_seconds": 60}).encode()
        assert post(where["control"] + "/_server/fault", fault) == 200
        host, port = where["listening"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as waits:
            waits.sendall(b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    first, *rest = logs.read_ledger(ledger)
    assert isinstance(first, logs.Server)
    assert first.seed == 7
    assert [r.bytes for r in rest if isinstance(r, logs.Recorded)] == [3]


def test_a_port_in_use_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = CliRunner().invoke(app, ["--listen", address])
    assert result.exit_code == 2
    assert "cannot go on" in result.stderr
    assert "in use" in result.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fault", "hagn duration_seconds=1"], "hagn"),
        (["--listen", "8000"], "HOST:PORT"),
        (["--workers", "0"], "workers"),
        (["--lose-answers", "2"], "probability"),
        (["--faults", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_a_wrong_option_is_a_usage_error_that_names_it(options: list[str], says: str) -> None:
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 2
    assert says in result.stderr


TOML = """
[[faults]]
kind = "hang"
at_seconds = 5
duration_seconds = 60
[[faults]]
kind = "slow"
factor = 2
"""


def test_a_script_is_read_from_toml_and_from_json(tmp_path: Path) -> None:
    script = (
        Stop(kind="hang", at_seconds=5, duration_seconds=60),
        Slow(kind="slow", factor=2),
    )
    toml, json_file = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text(TOML)
    json_file.write_text(json.dumps([fault.model_dump() for fault in script]))
    assert read_faults(toml) == read_faults(json_file) == script


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.toml", "[[faults", r"a\.toml cannot be read"),
        ("a.toml", "[[fault]]\nkind = 'hang'", "a list named 'faults'"),
        ("a.json", '[{"kind": "hang"}]', "duration_seconds"),
    ],
)
def test_a_script_that_is_none_is_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(FaultScriptError, match=says):
        read_faults(tmp_path / name)
