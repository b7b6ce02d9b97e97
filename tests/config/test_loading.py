"""What is read from where, and which of two beats the other."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.config import Origin, Settings, Source, load, paths
from gateway.config.keys import flat, keys, shown
from gateway.config.sources import PREFIX
from gateway.wiring.translation import log_format
from tests.config.reading import UPSTREAM


def test_the_defaults_are_enough_to_serve_one_upstream() -> None:
    settings = load(None, UPSTREAM, environ={}, serving=True).settings
    assert settings.upstream.url == "http://recording.example"
    assert str(settings.intake.listen) == "127.0.0.1:8080"
    assert str(settings.admin.listen) == "127.0.0.1:9090"
    assert settings.routes == ()


def test_flags_beat_the_environment_and_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        '[upstream]\nurl = "http://file"\nmax_window = 8\n\n[retry]\ncap_seconds = 30\n'
    )
    environ = {f"{PREFIX}UPSTREAM__URL": "http://env", f"{PREFIX}UPSTREAM__MAX_WINDOW": "9"}
    loaded = load(file, {"upstream.url": "http://flag", "intake.listen": None}, environ=environ)
    assert loaded.settings.upstream.url == "http://flag"
    assert loaded.settings.upstream.max_window == 9
    assert loaded.settings.retry.cap_seconds == 30
    assert loaded.origins["upstream.url"] == Origin(Source.FLAG, "--upstream")
    assert loaded.origins["upstream.max_window"] == Origin(
        Source.ENVIRONMENT, f"{PREFIX}UPSTREAM__MAX_WINDOW"
    )
    assert loaded.origins["retry.cap_seconds"] == Origin(Source.FILE, f"{file}:6")
    assert loaded.origins["retry.base_seconds"] == Origin(Source.DEFAULT)


def test_every_key_can_come_from_the_environment() -> None:
    given_values = {
        f"{PREFIX}{str(key).upper().replace('.', '__')}": str(shown(key.field.examples[0]))
        for key in keys()
        if key.section != "routes" and key.field.examples
    }
    settings = load(None, {}, environ=given_values).settings
    assert settings.intake.tls_key == Path("/etc/enrollment-gateway/tls/key.pem")
    assert None not in flat(settings).values()


def test_routes_come_from_the_environment_as_json() -> None:
    environ = {f"{PREFIX}ROUTES": '[{"path": "/login", "mode": "relay"}]'}
    [route] = load(None, {}, environ=environ).settings.routes
    assert (route.path, route.mode) == ("/login", "relay")


def test_an_empty_variable_counts_as_not_given() -> None:
    loaded = load(None, {}, environ={f"{PREFIX}UPSTREAM__URL": ""})
    assert loaded.origins["upstream.url"].source is Source.DEFAULT


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        setattr(Settings().intake, "hold_seconds", 3)  # noqa: B010 - mypy would not let it pass


def test_files_lie_beside_the_journal_unless_named_elsewhere() -> None:
    settings = load(
        None,
        {"journal.url": "sqlite:////var/lib/j.db"},
        environ={f"{PREFIX}ADMIN__TOKEN_FILE": "/run/token"},
    ).settings
    found = paths(settings)
    assert found.journal == Path("/var/lib/j.db")
    assert found.journal_keys == Path("/var/lib/j.db.keys.json")
    assert found.receipt_keys == Path("/var/lib/j.db.receipts.json")
    assert found.admin_token == Path("/run/token")
    assert paths(Settings()).journal == Path("enrollment-journal.db")


def test_the_log_is_for_people_on_a_terminal_unless_told_otherwise() -> None:
    assert log_format(Settings(), terminal=True) == "console"
    assert log_format(Settings(), terminal=False) == "json"
    told = load(None, {}, environ={f"{PREFIX}LOG__FORMAT": "json"}).settings
    assert log_format(told, terminal=True) == "json"
