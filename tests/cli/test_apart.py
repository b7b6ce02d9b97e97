"""`serve` reads its command line in a process that ends, and serves without what read it."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config import Settings, load
from gateway.config.plain import plain
from gateway.wiring.translation import config_digest

ROUTES = '[{"path": "/login", "mode": "relay", "methods": ["POST"]}]'
GIVEN = {
    "ENROLLMENT_GATEWAY__UPSTREAM__URL": "http://recording.example",
    "ENROLLMENT_GATEWAY__INTAKE__LISTEN": "[::1]:8080",
    "ENROLLMENT_GATEWAY__JOURNAL__KEY_FILE": "/k",
    "ENROLLMENT_GATEWAY__ROUTES": ROUTES,
}


def serve(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gateway", "serve", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_settings_go_on_as_they_were_checked() -> None:
    checked = load(None, {}, environ=GIVEN).settings
    handed: Settings = pickle.loads(pickle.dumps(plain(checked)))  # noqa: S301 - just made
    assert handed == plain(checked)
    assert handed.upstream.url == "http://recording.example"
    assert handed.intake.listen == checked.intake.listen
    assert handed.journal.key_file == Path("/k")
    assert [(route.path, route.mode, route.methods) for route in handed.routes] == [
        ("/login", "relay", ("POST",))
    ]
    assert config_digest(handed) == config_digest(checked)
    with pytest.raises(AttributeError, match="frozen"):
        handed.upstream.url = "http://another.example"


def test_the_digest_of_the_settings_tells_one_from_another() -> None:
    checked = load(None, {}, environ=GIVEN).settings
    other = load(None, {}, environ=GIVEN | {"ENROLLMENT_GATEWAY__RETRY__CAP_SECONDS": "61"})
    assert config_digest(checked) != config_digest(other.settings)


def test_what_serves_has_not_loaded_what_reads_a_command_line() -> None:
    heavy = {"pydantic", "pydantic_core", "typer", "rich", "greenlet", "asyncpg", "pygments"}
    program = (
        "import sys; from gateway.cli import apart\n"
        "try: apart.serve(None)\n"
        "except AttributeError: assert 'gateway.wiring' in sys.modules\n"
        f"sys.exit(', '.join({heavy!r} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_faults_and_help_end_with_the_process_that_reads(tmp_path: Path) -> None:
    bad = serve("--upstream", "ftp://recording.example", cwd=tmp_path)
    assert (bad.returncode, bad.stdout) == (78, "")
    assert "upstream.url" in bad.stderr
    assert serve("--no-such-flag", cwd=tmp_path).returncode == 2
    told = serve("--help", cwd=tmp_path)
    assert told.returncode == 0
    assert "--listen" in told.stdout
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_later_ends_it_with_its_own_code(tmp_path: Path) -> None:
    words = ("--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:1", "--admin-listen")
    taken = serve(*words, "203.0.113.1:1", cwd=tmp_path)
    assert taken.returncode == 78
    assert "admin.listen" in taken.stderr
