"""The configuration: what is read from where, and what is said of what is wrong."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.config import Address, ConfigFault, Origin, Problem, Settings, Source, load, paths
from gateway.config.keys import flat, keys, nearest, shown
from gateway.config.pages import example, page, schema
from gateway.config.rules import advice
from gateway.config.sources import PREFIX, lines_of_keys
from gateway.wiring.translation import log_format

ROOT = Path(__file__).parent.parent
UPSTREAM = {"upstream.url": "http://recording.example"}


def problems(
    tmp_path: Path, toml: str, environ: dict[str, str] | None = None, *, serving: bool = False
) -> list[str]:
    """What is wrong with a file, its path cut off."""
    file = tmp_path / "gateway.toml"
    file.write_text(toml)
    with pytest.raises(ConfigFault) as fault:
        load(file, {}, environ=environ or {}, serving=serving)
    return [str(each).removeprefix(f"{tmp_path}/") for each in fault.value.problems]


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


BAD = [
    (
        "[intake]\nhold_second = 3",
        2,
        "intake.hold_second",
        "there is no such key; did you mean intake.hold_seconds?",
    ),
    (
        "[upstream]\nmax_bytes = 3",
        2,
        "upstream.max_bytes",
        "there is no such key; did you mean journal.max_bytes?",
    ),
    (
        "[intak]\n\nlisten = ''",
        3,
        "intak.listen",
        "there is no such key; did you mean intake.listen?",
    ),
    (
        "[upstream.tls]\nca = 'x'",
        2,
        "upstream.tls.ca",
        "there is no such key; did you mean upstream.ca?",
    ),
    ("zzz = 1", 1, "zzz", "there is no such key"),
    (
        "upstream = 'http://x'",
        1,
        "upstream",
        "is a section: write [upstream] and its keys below it",
    ),
    (
        "[routes]\npath = '/x'",
        2,
        "routes.path",
        "routes are a list: write [[routes]] with two brackets",
    ),
    ("[[routes]]\npath = '/x'\n[[routes]]\nmode = 'relay'", 3, "routes[1].path", "is missing"),
    (
        "[[routes]]\npath = '/x'\nmod = 'relay'",
        3,
        "routes[0].mod",
        "there is no such key; did you mean routes.mode?",
    ),
    (
        "[[routes]]\npath = 'x'",
        2,
        "routes[0].path",
        "must begin with / or *, such as /login or /search/*",
    ),
    (
        "[[routes]]\npath = '/x'\nmethods = [\n 'POST',\n 'GET']",
        3,
        "routes[0].methods[1]",
        "must be 'POST', 'PUT', 'PATCH' or 'DELETE'",
    ),
    ("[intake]\nhold_seconds = -1", 2, "intake.hold_seconds", "must be greater than or equal to 0"),
    ("[intake]\nhold_seconds = 301", 2, "intake.hold_seconds", "must be less than or equal to 300"),
    ("[intake]\nhold_seconds = inf", 2, "intake.hold_seconds", "must be a finite number"),
    ("[intake]\nhold_seconds = true", 2, "intake.hold_seconds", "must not be true or false"),
    (
        "[intake]\nmax_body_bytes = 1.5",
        2,
        "intake.max_body_bytes",
        "must be a valid integer, got a number with a fractional part",
    ),
    (
        "[intake]\nlisten = '8080'",
        2,
        "intake.listen",
        "must be HOST:PORT, such as 127.0.0.1:8080, [::1]:8080, or 0.0.0.0:8080 for all",
    ),
    (
        "[upstream]\nurl = 'recording.example'",
        2,
        "upstream.url",
        "must be http:// or https:// with a host, such as https://recording.example/api",
    ),
    (
        "[upstream]\nurl = 'http://a:b@c'",
        2,
        "upstream.url",
        "must hold no credentials; put them into upstream.authorization_file",
    ),
    (
        "[upstream]\nurl = 'http://c/?a=b'",
        2,
        "upstream.url",
        "must end with its path: a query comes from each request, unchanged",
    ),
    (
        "[upstream]\nlookup_path = '/by-key'",
        2,
        "upstream.lookup_path",
        "must begin with / and hold {key} once, as /enrollments/by-key/{key}",
    ),
    (
        "[journal]\nurl = 'journal.db'",
        2,
        "journal.url",
        "must be sqlite:///FILE (three slashes: relative, four: absolute) or postgresql://…",
    ),
    (
        "[journal]\nurl = 'postgresql://'",
        2,
        "journal.url",
        "must name hosts and a database: postgresql://USER@HOST:PORT,HOST:PORT/DATABASE",
    ),
    (
        "[journal]\nurl = 'postgresql://a,,b/journal'",
        2,
        "journal.url",
        "must name hosts and a database: postgresql://USER@HOST:PORT,HOST:PORT/DATABASE",
    ),
    (
        "[journal]\nurl = 'sqlite:///:memory:'",
        2,
        "journal.url",
        "must name a file: what is kept in memory is lost with the process",
    ),
    ("[log]\nlevel = 'loud'", 2, "log.level", "must be 'debug', 'info', 'warning' or 'error'"),
    ("[intake]\ntls_certificate = 'c'", 2, "intake.tls_certificate", "needs intake.tls_key"),
    ("[intake]\ntls_key = 'c'", 2, "intake.tls_key", "needs intake.tls_certificate"),
    ("[intake]\nclient_ca = 'c'", 2, "intake.client_ca", "needs intake.tls_certificate"),
    ("[upstream]\nclient_key = 'c'", 2, "upstream.client_key", "needs upstream.client_certificate"),
    (
        "[upstream]\nurl = 'http://c'\nca = 'c'",
        3,
        "upstream.ca",
        "is for TLS, but upstream.url is http://",
    ),
    (
        "[admin]\nlisten = '127.0.0.1:8080'",
        2,
        "admin.listen",
        "is the address of intake.listen; take another",
    ),
    ("[intake]\nlisten = ?", 2, "", "is not TOML: Invalid value (at line 2, column 10)"),
]


def test_gateways_that_share_a_journal_need_the_same_key_files(tmp_path: Path) -> None:
    url = "[journal]\nurl = 'postgresql://gateway@a:5432,[::1]:5433/journal?sslmode=verify-full'\n"
    keys = [problem.split(": ")[0] for problem in problems(tmp_path, url)]
    assert keys == ["journal.key_file", "receipts.key_file"]
    file = tmp_path / "gateway.toml"
    file.write_text(url + "key_file = 'k'\n[receipts]\nkey_file = 'r'\n")
    assert load(file, {}, environ={}).settings.journal.url.startswith("postgresql://")


@pytest.mark.parametrize(("toml", "line", "key", "message"), BAD, ids=[each[0] for each in BAD])
def test_a_bad_file_is_told_by_key_and_line(
    tmp_path: Path, toml: str, line: int, key: str, message: str
) -> None:
    [problem] = problems(tmp_path, toml)
    assert problem == f"gateway.toml:{line}: " + (f"{key}: " if key else "") + message


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


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    toml = "[intake]\nlisten = '0.0.0.0:80'\nhold = 1\nhold_seconds = 'x'\n[log]\nlevel = 1\n"
    environ = {f"{PREFIX}UPSTRAEM__URL": "http://x", f"{PREFIX}RETRY__CAP_SECONDS": "soon"}
    found = problems(tmp_path, toml, environ, serving=True)
    assert [each.partition(": must")[0].partition(": there")[0] for each in found[:5]] == [
        "gateway.toml:3: intake.hold",
        f"{PREFIX}UPSTRAEM__URL: upstraem.url",
        "gateway.toml:4: intake.hold_seconds",
        f"{PREFIX}RETRY__CAP_SECONDS: retry.cap_seconds",
        "gateway.toml:6: log.level",
    ]
    assert found[5].startswith("gateway.toml:2: intake.listen: other machines can reach")
    assert found[6].startswith("upstream.url: says which server")
    assert len(found) == 7


def test_what_only_follows_from_another_error_is_not_told(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "[intake]\ntls_certificate = 'c'\ntls_key = 5\n")
    assert problem.startswith("gateway.toml:3: intake.tls_key: ")


def test_an_error_never_repeats_a_value(tmp_path: Path) -> None:
    secret = "s3cret"
    toml = f"[upstream]\nurl = 'http://u:{secret}@h'\n[journal]\nurl = 'x://{secret}'\n"
    toml += f"[intake]\nhold_seconds = '{secret}'\nlisten = '{secret}'\n[log]\nlevel = '{secret}'\n"
    found = problems(tmp_path, toml)
    assert len(found) == 5
    assert secret not in "".join(found)


def test_serving_needs_an_upstream_and_the_files_that_are_named(tmp_path: Path) -> None:
    toml = f"[stations]\ntokens_file = '{tmp_path}/none.json'\n"
    url, tokens = problems(tmp_path, toml, serving=True)
    assert url.startswith("upstream.url: says which server to deliver to and is not set")
    assert tokens.startswith("gateway.toml:2: stations.tokens_file: there is no file")
    assert "stations add NAME" in tokens


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault) as fault:
        load(tmp_path / "none.toml", {}, environ={})
    assert fault.value.problems == (
        Problem("", "cannot be read: No such file or directory", f"{tmp_path}/none.toml"),
    )


def test_values_that_span_lines_do_not_shift_the_lines_of_keys() -> None:
    text = (
        '# [no]\na = """\n[no]\nb = 1\n"""\n\n[t]\nc = [\n  1,\n]\nd.e = 1\n[[r]]\n[[r]]\nf = 1\n'
    )
    found = lines_of_keys(text)
    assert {key: found[key] for key in ("a", "t.c", "t.d.e", "r[1]", "r[1].f")} == {
        "a": 2,
        "t.c": 8,
        "t.d.e": 11,
        "r[1]": 13,
        "r[1].f": 14,
    }
    assert "b" not in found


@given(st.lists(st.sampled_from(["", "# note", "x = 1"]), max_size=8).map(tuple))
def test_a_key_is_found_on_its_line_whatever_stands_around_it(above: tuple[str, ...]) -> None:
    lines = [line.replace("x", f"x{place}") for place, line in enumerate(above)]
    found = lines_of_keys("\n".join([*lines, "key = 2", "z = 3"]))
    assert found["key"] == len(lines) + 1


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


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.9.9.9:0", "127.9.9.9", 0, True),
        ("[::1]:8080", "::1", 8080, True),
        ("localhost:1", "localhost", 1, True),
        ("0.0.0.0:8080", "0.0.0.0", 8080, False),
        ("gateway.example:8080", "gateway.example", 8080, False),
    ],
)
def test_an_address_is_read_and_written(text: str, host: str, port: int, *, loopback: bool) -> None:
    address = Address.parse(text)
    assert (address.host, address.port, address.loopback) == (host, port, loopback)
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", ":80", "a", "a:", "a:b", "a:70000", "u@a:1", "a:1/x", "[::1:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be HOST:PORT"):
        Address.parse(text)


def test_a_wildcard_is_called_on_this_machine() -> None:
    assert str(Address.parse("0.0.0.0:9").reachable) == "127.0.0.1:9"
    assert str(Address.parse("[::]:9").reachable) == "[::1]:9"


def test_the_log_is_for_people_on_a_terminal_unless_told_otherwise() -> None:
    assert log_format(Settings(), terminal=True) == "console"
    assert log_format(Settings(), terminal=False) == "json"
    told = load(None, {}, environ={f"{PREFIX}LOG__FORMAT": "json"}).settings
    assert log_format(told, terminal=True) == "json"


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


def test_a_password_in_a_url_is_not_shown() -> None:
    assert shown("postgresql://gateway:s3cret@db/x") == "postgresql://gateway:***@db/x"


def test_every_setting_says_what_it_is_for() -> None:
    for key in keys():
        assert key.field.description, key
        assert key.field.description.endswith("."), key


def test_the_committed_page_and_example_are_those_of_the_settings() -> None:
    hint = "run `enrollment-gateway config schema --as page|example` again"
    assert (ROOT / "docs" / "configuration.md").read_text() == page(), hint
    assert (ROOT / "enrollment-gateway.example.toml").read_text() == example(), hint


def test_the_example_sets_every_key_once_uncommented(tmp_path: Path) -> None:
    lines = [
        line[1:] if line.startswith("#") and not line.startswith("# ") else line
        for line in example().splitlines()
    ]
    file = tmp_path / "all.toml"
    file.write_text("\n".join(lines))
    loaded = load(file, {}, environ={})
    assert {key for key, origin in loaded.origins.items() if origin.source is Source.FILE} == set(
        flat(Settings())
    )
    assert len(tomllib.loads(file.read_text())["routes"][0]) == 5


def test_the_schema_knows_every_section_and_no_other_keys() -> None:
    found = schema()
    assert set(found["properties"]) == set(Settings.model_fields)
    assert all(each["additionalProperties"] is False for each in found["$defs"].values())


def test_the_nearest_key_is_the_same_name_elsewhere_before_one_that_looks_alike() -> None:
    assert nearest("upstream.hold_seconds") == "; did you mean intake.hold_seconds?"
    assert nearest("journal.uri") == "; did you mean journal.url?"
    assert nearest("nothing.alike") == ""
