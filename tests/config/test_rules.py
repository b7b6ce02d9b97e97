"""How settings must fit together, and what is advised against."""

from pathlib import Path

import pytest

from gateway.config import Settings, load
from gateway.config.rules import advice
from gateway.config.sources import PREFIX
from tests.config.reading import problems


def test_gateways_that_share_a_journal_need_the_same_key_files(tmp_path: Path) -> None:
    url = "[journal]\nurl = 'postgresql://gateway@a:5432,[::1]:5433/journal?sslmode=verify-full'\n"
    keys = [problem.split(": ")[0] for problem in problems(tmp_path, url)]
    assert keys == ["journal.key_file", "receipts.key_file"]
    file = tmp_path / "gateway.toml"
    file.write_text(url + "key_file = 'k'\n[receipts]\nkey_file = 'r'\n")
    assert load(file, {}, environ={}).settings.journal.url.startswith("postgresql://")


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", "gateway:8080"])
def test_a_listener_that_others_reach_asks_who_they_are(tmp_path: Path, listen: str) -> None:
    toml = f"[intake]\nlisten = '{listen}'\n"
    [problem] = problems(tmp_path, toml)
    assert problem.startswith("gateway.toml:2: intake.listen: other machines can reach")
    for known in (
        "allow_anonymous = true",
        "client_ca = 'ca'\ntls_certificate = 'c'\ntls_key = 'k'",
        "[stations]\ntokens_file = 'stations.json'",
    ):
        file = tmp_path / "gateway.toml"
        file.write_text(toml + known)
        assert str(load(file, {}, environ={}).settings.intake.listen) == listen


def test_serving_needs_an_upstream_and_the_files_that_are_named(tmp_path: Path) -> None:
    toml = f"[stations]\ntokens_file = '{tmp_path}/none.json'\n"
    url, tokens = problems(tmp_path, toml, serving=True)
    assert url.startswith("upstream.url: says which server to deliver to and is not set")
    assert tokens.startswith("gateway.toml:2: stations.tokens_file: there is no file")
    assert "stations add NAME" in tokens


def test_what_hardly_was_meant_is_advised_against() -> None:
    assert list(advice(Settings())) == []
    environ = {
        f"{PREFIX}INTAKE__MAX_INFLIGHT_BYTES": "1",
        f"{PREFIX}UPSTREAM__HONOURS_IDEMPOTENCY_KEY": "false",
        f"{PREFIX}INTAKE__LISTEN": "0.0.0.0:1",
        f"{PREFIX}INTAKE__ALLOW_ANONYMOUS": "true",
        f"{PREFIX}ADMIN__LISTEN": "0.0.0.0:2",
    }
    found = [key for key, _ in advice(load(None, {}, environ=environ).settings)]
    assert found == [
        "intake.max_inflight_bytes",
        "upstream.lookup_path",
        "intake.tls_certificate",
        "admin.listen",
    ]
