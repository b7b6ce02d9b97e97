"""`stations`, `keys` and `receipts`: what is made, kept, shown, and checked."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.app import app
from gateway.intake import signing
from gateway.intake.stations import hash_token, parse_tokens
from gateway.journal.keyring import KeyRing
from tests.cli.conftest import NIK

JOURNAL = "enrollment-journal.db"


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def type_(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def stations(*words: str) -> Result:
    return type_("stations", *words, "--tokens-file", "stations.json")


def test_a_token_is_shown_once_and_only_its_hash_is_kept() -> None:
    found = stations("add", "balaraja-1", "--allow", "/enrollments/*")
    assert found.exit_code == 0, found.output
    token = found.stdout.strip()
    text = Path("stations.json").read_text()
    [(digest, station)] = parse_tokens(text).items()
    assert digest == hash_token(token)
    assert len(token) >= 43
    assert (station.name, station.allow) == ("balaraja-1", ("/enrollments/*",))
    assert token not in text
    assert token not in stations("list").output


def test_the_tokens_file_is_for_its_owner_only() -> None:
    stations("add", "balaraja-1")
    assert stat.S_IMODE(Path("stations.json").stat().st_mode) == 0o600
    assert [each.name for each in Path().iterdir()] == ["stations.json"]


def test_a_revoked_token_is_good_for_nothing_and_its_name_can_get_another() -> None:
    first = stations("add", "balaraja-1").stdout.strip()
    assert stations("add", "balaraja-1").exit_code == 1
    assert stations("revoke", "balaraja-1").exit_code == 0
    assert parse_tokens(Path("stations.json").read_text()) == {}
    second = stations("add", "balaraja-1").stdout.strip()
    assert list(parse_tokens(Path("stations.json").read_text())) == [hash_token(second)]
    assert first != second
    listed = json.loads(stations("list", "--json").stdout)
    assert [(each["name"], each["revoked_at"] is None) for each in listed] == [
        ("balaraja-1", False),
        ("balaraja-1", True),
    ]
    assert "balaraja-1" in stations("list").stdout


def test_a_station_that_is_not_there_cannot_be_revoked() -> None:
    found = stations("revoke", "balaraja-1")
    assert found.exit_code == 1
    assert "no station of this name" in found.stderr
    assert not Path("stations.json").exists()


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "../x", "x" * 65, NIK])
def test_a_name_that_cannot_stand_in_a_log_is_refused(name: str) -> None:
    found = stations("add", name)
    assert found.exit_code == 1
    assert NIK not in found.output
    assert not Path("stations.json").exists()


def test_a_broken_tokens_file_is_told_and_left_alone() -> None:
    Path("stations.json").write_text("{}")
    assert "the tokens file must hold" in stations("add", "a").stderr
    assert stations("list").exit_code == 1
    assert Path("stations.json").read_text() == "{}"


def test_the_tokens_file_is_that_of_the_configuration() -> None:
    assert type_("stations", "list").exit_code == 2
    Path("gateway.toml").write_text("[stations]\ntokens_file = 'here.json'\n")
    assert type_("stations", "list", "--config", "gateway.toml").stdout.startswith("none")
    type_("stations", "add", "a", "--config", "gateway.toml")
    assert Path("here.json").exists()


def test_keys_are_made_once_beside_the_journal() -> None:
    made = type_("keys", "generate")
    assert made.exit_code == 0, made.output
    ring = KeyRing.load(Path(f"{JOURNAL}.keys.json"))
    receipts = Path(f"{JOURNAL}.receipts.json").read_text()
    again = type_("keys", "generate")
    assert again.stdout.count("not touched") == 2
    assert KeyRing.load(Path(f"{JOURNAL}.keys.json")) == ring
    assert Path(f"{JOURNAL}.receipts.json").read_text() == receipts


def test_no_new_keys_are_made_for_a_journal_that_was_sealed_with_others() -> None:
    Path(JOURNAL).touch()
    found = type_("keys", "generate", "journal")
    assert found.exit_code == 1
    assert "is missing" in found.stderr
    assert not Path(f"{JOURNAL}.keys.json").exists()


def test_rotation_adds_a_key_and_keeps_the_old_ones() -> None:
    type_("keys", "generate")
    file = Path(f"{JOURNAL}.keys.json")
    before = KeyRing.load(file)
    assert type_("keys", "rotate").exit_code == 0
    after = KeyRing.load(file)
    assert after.index_key == before.index_key
    assert len(after.keys) == 2
    assert after.keys[before.active] == before.keys[before.active]
    assert after.active != before.active
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_old_receipts_are_genuine_after_rotation_and_new_ones_use_the_new_key() -> None:
    file = Path(f"{JOURNAL}.receipts.json")
    old = signing.load_or_create(file)
    token = old.sign({"jti": "1"})
    assert type_("keys", "rotate", "receipts").exit_code == 0
    new = signing.load_or_create(file)
    assert signing.verify(token, new.jwks()) == {"jti": "1"}
    with pytest.raises(signing.ReceiptInvalid):
        signing.verify(new.sign({"jti": "2"}), old.jwks())
    assert not Path(f"{JOURNAL}.keys.json").exists()


@pytest.mark.parametrize("which", ["journal", "receipts"])
def test_there_is_nothing_to_rotate_before_there_are_keys(which: str) -> None:
    assert type_("keys", "rotate", which).exit_code == 1
    assert list(Path().iterdir()) == []


CLAIMS = {
    "jti": "0197f0a2-7c3e-7b1d-8f00-5d2c1e9ab001",
    "iat": 1_795_482_123,
    "iss": "enrollment-gateway",
    "sub": "balaraja-1",
    "content_sha256": "1234567890123456".ljust(64, "a"),
    "durability": "fsync",
}


def test_a_genuine_receipt_says_what_it_promises() -> None:
    keys = signing.load_or_create(Path("receipts.json"))
    Path("jwks.json").write_text(json.dumps(keys.jwks()))
    found = type_("receipts", "verify", keys.sign(CLAIMS), "--jwks", "jwks.json")
    assert found.exit_code == 0, found.output
    assert "genuine" in found.stdout
    for text in ("balaraja-1", CLAIMS["content_sha256"], "2026-11-24T01:02:03.000Z", "fsync"):
        assert str(text) in found.stdout
    as_json = type_("receipts", "verify", keys.sign(CLAIMS), "--jwks", "jwks.json", "--json")
    assert json.loads(as_json.stdout) == CLAIMS


def test_a_receipt_of_another_gateway_or_an_altered_one_is_not_genuine() -> None:
    keys = signing.load_or_create(Path("receipts.json"))
    other = signing.load_or_create(Path("other.json"))
    Path("jwks.json").write_text(json.dumps(keys.jwks()))
    genuine = keys.sign(CLAIMS)
    head, _, signature = genuine.split(".")
    altered = ".".join((head, keys.sign({**CLAIMS, "sub": "b"}).split(".")[1], signature))
    for token in (other.sign(CLAIMS), altered, "no.token.atall", ""):
        found = type_("receipts", "verify", token, "--jwks", "jwks.json")
        assert found.exit_code == 1
        assert "Not genuine" in found.stderr


@pytest.mark.parametrize("place", ["none.json", "http://127.0.0.1:1/jwks.json"])
def test_keys_that_cannot_be_had_are_told(place: str) -> None:
    found = type_("receipts", "verify", "a.b.c", "--jwks", place)
    assert found.exit_code == 1
    assert f"No keys at {place}" in found.stderr
