"""`config check|show|schema`, `serve`'s refusals, help and version."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway import wiring
from gateway.cli.app import app
from gateway.config import ConfigFault, Problem, Settings
from gateway.journal.contract import JournalInUse


def type_(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, words, env=env)


def test_a_good_file_is_called_good_with_what_serving_still_needs(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("[retry]\ncap_seconds = 30\n")
    found = type_("config", "check", str(file))
    assert found.exit_code == 0
    assert "before serving: upstream.url" in found.stdout
    assert found.stdout.endswith("is good.\n")


def test_a_bad_file_exits_78_with_every_error(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("[retry]\ncap_second = 30\n[log]\nlevel = 'x'\n")
    found = type_("config", "check", str(file))
    assert found.exit_code == 78
    assert "The configuration has 2 errors" in found.stderr
    assert f"{file}:2: retry.cap_second: there is no such key" in found.stderr
    assert f"{file}:4: log.level: must be" in found.stderr


def test_settings_are_shown_with_where_they_came_from(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("[retry]\ncap_seconds = 30\n[[routes]]\npath = '/login'\nmode = 'relay'\n")
    words = ("config", "show", "--config", str(file))
    env = {"ENROLLMENT_GATEWAY__UPSTREAM__URL": "http://recording.example"}
    table = type_(*words, env=env).stdout
    assert f"file {file}:2" in table
    assert "environment ENROLLMENT_GATEWAY__UPSTREAM__URL" in table
    document = json.loads(type_(*words, "--json", env=env).stdout)
    assert document["retry.cap_seconds"] == {
        "value": 30.0,
        "source": "file",
        "where": f"{file}:2",
    }
    assert document["journal.key_file"]["value"] == "enrollment-journal.db.keys.json"
    assert document["routes"]["value"][0]["path"] == "/login"
    assert document["log.level"] == {"value": "info", "source": "default", "where": None}


def test_the_configuration_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("[log]\nlevel = 'debug'\n")
    found = type_("config", "show", "--json", env={"ENROLLMENT_GATEWAY_CONFIG": str(file)})
    assert json.loads(found.stdout)["log.level"]["value"] == "debug"


def test_the_schema_is_json() -> None:
    assert json.loads(type_("config", "schema").stdout)["properties"]["upstream"]


def test_serving_without_an_upstream_exits_78_and_says_how_to_name_one() -> None:
    found = type_("serve")
    assert found.exit_code == 78
    assert "give --upstream URL" in found.stderr


def test_serving_others_without_asking_who_they_are_exits_78() -> None:
    found = type_("serve", "--upstream", "http://recording.example", "--listen", "0.0.0.0:8080")
    assert found.exit_code == 78
    assert "--listen: intake.listen: other machines can reach this address" in found.stderr


def test_serve_runs_the_gateway_on_the_settings_and_passes_its_exit_code_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: list[Settings] = []

    def serve(settings: Settings) -> int:
        served.append(settings)
        return 1

    monkeypatch.setattr(wiring, "serve", serve)
    words = ("--upstream", "http://a", "--listen", "127.0.0.1:0", "--admin-listen", "[::1]:0")
    assert type_("serve", *words, "--journal", "sqlite:////var/lib/j.db").exit_code == 1
    [settings] = served
    assert settings.upstream.url == "http://a"
    assert str(settings.intake.listen) == "127.0.0.1:0"
    assert str(settings.admin.listen) == "[::1]:0"
    assert settings.journal.url == "sqlite:////var/lib/j.db"


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [
        (JournalInUse("held"), 75, "Another gateway is using the journal sqlite:///"),
        (
            ConfigFault([Problem("journal.key_file", "is missing")]),
            78,
            "journal.key_file: is missing",
        ),
    ],
)
def test_a_gateway_that_cannot_start_says_why(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, code: int, text: str
) -> None:
    def serve(_settings: Settings) -> int:
        raise fault

    monkeypatch.setattr(wiring, "serve", serve)
    found = type_("serve", "--upstream", "http://recording.example")
    assert found.exit_code == code
    assert text in found.stderr


def test_help_teaches_by_example() -> None:
    assert "enrollment-gateway serve --upstream" in type_("--help").stdout
    for words in (("serve",), ("status",), ("pause",), ("queue", "requeue"), ("config", "check")):
        assert "Examples:" in type_(*words, "--help").stdout, words


def test_the_version_is_told() -> None:
    assert type_("--version").stdout.startswith("enrollment-gateway ")


def test_help_loads_nothing_heavy() -> None:
    heavy = {
        "pydantic",
        "aiohttp",
        "apsw",
        "uvloop",
        "cryptography",
        "joserfc",
        "prometheus_client",
    }
    program = (
        "import sys, gateway.__main__\n"
        "try: sys.argv[1:] = ['--help']; gateway.__main__.main()\n"
        "except SystemExit: pass\n"
        f"sys.exit(', '.join({heavy!r} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
