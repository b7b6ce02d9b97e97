"""Keys: quoted or bare is the same key; everything else is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.idempotency import KeyInvalid, parse_key

printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"with \\"quotes\\" and \\\\"', 'with "quotes" and \\'),
        ('a"b', 'a"b'),
        (" padded\t", "padded"),
        ("k" * 255, "k" * 255),
        ('"' + "k" * 255 + '"', "k" * 255),
    ],
)
def test_a_key_is_taken_quoted_or_bare(text: str, key: str) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        '""',
        '"open',
        '"a" b',
        '"a";p=1',
        '"bad \\escape"',
        "k" * 256,
        '"' + "k" * 256 + '"',
        "tab\tinside",
        "new\nline",
        "nul\x00",
        "del\x7f",
        "é",
        '"é"',
    ],
)
def test_anything_else_is_no_key(text: str) -> None:
    with pytest.raises(KeyInvalid):
        parse_key(text)


def test_a_refused_key_is_not_repeated() -> None:
    with pytest.raises(KeyInvalid) as refusal:
        parse_key('"secret')
    assert "secret" not in str(refusal.value)


@given(printable)
def test_quoting_a_key_makes_no_other_key(key: str) -> None:
    quoted = '"' + re.sub(r'(["\\])', r"\\\1", key) + '"'
    assert parse_key(quoted) == key


@given(st.text(max_size=300))
def test_any_text_is_a_clean_key_or_refused(text: str) -> None:
    try:
        key = parse_key(text)
    except KeyInvalid:
        return
    assert 1 <= len(key) <= 255
    assert key.isascii()
    assert key.isprintable()
