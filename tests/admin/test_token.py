"""The operators' token: made once, kept private, compared as a whole."""

import stat
from pathlib import Path

import pytest

from gateway.admin.token import Bearer, TokenFault, load_or_create


def test_the_first_start_makes_a_token_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "admin.token"
    token = load_or_create(file)
    assert len(token) >= 43
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_or_create(file) == token


def test_two_gateways_have_two_tokens(tmp_path: Path) -> None:
    assert load_or_create(tmp_path / "a") != load_or_create(tmp_path / "b")


def test_a_token_that_ops_put_there_is_taken_and_the_file_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "admin.token"
    file.write_text("0123456789abcdef\n")
    file.chmod(0o440)
    assert load_or_create(file) == "0123456789abcdef"
    assert stat.S_IMODE(file.stat().st_mode) == 0o440


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"two words are no token", b"line-one-is-long\nline-two", b"\xff" * 20],
)
def test_a_file_without_a_token_stops_the_start_and_says_what_to_do(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "admin.token"
    file.write_bytes(content)
    with pytest.raises(TokenFault, match=r"admin\.token_file .* delete it") as caught:
        load_or_create(file)
    assert content == b"" or content.decode("latin-1") not in str(caught.value)


def test_a_directory_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(TokenFault, match="cannot be created"):
        load_or_create(tmp_path / "missing" / "admin.token")


def test_a_directory_in_its_place_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(TokenFault, match="cannot be read"):
        load_or_create(tmp_path)


@pytest.mark.parametrize(
    ("authorization", "admitted"),
    [
        ("Bearer 0123456789abcdef", True),
        ("bearer 0123456789abcdef", True),
        ("Bearer   0123456789abcdef ", True),
        ("Basic 0123456789abcdef", False),
        ("Bearer 0123456789abcdeF", False),
        ("Bearer 0123456789abcdef0", False),
        ("Bearer", False),
        ("Bearer \udcff", False),
        ("", False),
        (None, False),
    ],
)
def test_only_the_whole_token_as_a_bearer_is_admitted(
    authorization: str | None,
    admitted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert Bearer("0123456789abcdef").admits(authorization) is admitted
