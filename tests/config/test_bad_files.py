"""What is said of a file with something wrong in it: by key and line, and never a value."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import ConfigFault, Problem, load
from gateway.config.keys import nearest
from gateway.config.sources import PREFIX, lines_of_keys
from tests.config.reading import problems

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


@pytest.mark.parametrize(("toml", "line", "key", "message"), BAD, ids=[each[0] for each in BAD])
def test_a_bad_file_is_told_by_key_and_line(
    tmp_path: Path, toml: str, line: int, key: str, message: str
) -> None:
    [problem] = problems(tmp_path, toml)
    assert problem == f"gateway.toml:{line}: " + (f"{key}: " if key else "") + message


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


def test_the_nearest_key_is_the_same_name_elsewhere_before_one_that_looks_alike() -> None:
    assert nearest("upstream.hold_seconds") == "; did you mean intake.hold_seconds?"
    assert nearest("journal.uri") == "; did you mean journal.url?"
    assert nearest("nothing.alike") == ""
