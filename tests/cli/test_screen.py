"""What is printed: masked, on one line, in units that people read."""

import json

import pytest

from gateway.cli.screen import say_json, show, span, table, volume
from gateway.core.masking import clean
from tests.cli.conftest import NIK


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (7200, "2 h"),
        (7500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_told_in_two_units(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "-"),
        (999, "999 B"),
        (600_000, "600.0 kB"),
        (21_474_836_480, "21.5 GB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_bytes_are_told_in_powers_of_1000(size: float | None, text: str) -> None:
    assert volume(size) == text


def test_text_holds_no_control_character_and_no_number_of_16_digits() -> None:
    assert clean(f"a\r\nb {NIK}\x1b[31m") == "a\\r\\nb [16 digits]\\x1b[31m"


def test_a_digest_stays_whole_though_it_holds_16_digits() -> None:
    digest = "1234567890123456".ljust(64, "a")
    assert clean(digest) == digest


def test_json_is_masked_and_its_floats_are_rounded(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"a": [NIK, {"b": f"x {NIK}"}], "c": 0.1234567890123456, "d": None, "e": True})
    assert json.loads(capsys.readouterr().out) == {
        "a": ["[16 digits]", {"b": "x [16 digits]"}],
        "c": 0.123,
        "d": None,
        "e": True,
    }


def test_a_table_is_masked_and_never_cut_where_nobody_looks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(table(("id", "n"), [("x" * 120, 5), (NIK, None)]))
    printed = capsys.readouterr().out
    assert "x" * 120 in printed
    assert NIK not in printed
