"""No 16-digit number survives masking, however it is dressed; nothing else is harmed."""

import random
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ids import uuid7
from gateway.core.masking import MASK, clean, mask, one_line

NIK = "3603011212900000"


@pytest.mark.parametrize(
    "dressed",
    [
        NIK,
        "3603 0112 1290 0000",
        "36.03.01.121290.0000",
        "3603-0112-1290-0000",
        "3603 - 0112 - 1290 - 0000",
        "3603\u20130112\u20131290\u20130000",
        "3603\u00a00112\u00a01290\u00a00000",
        "3603    0112 .-. 1290\n\n0000",
        "3603\u22120112\u200b1290\u00ad0000",
        "3603%200112%201290%200000",
        "3603%0A0112%0d%0a1290%090000",
        "3603%C2%A00112%E2%80%931290%25C2%25A00000",
        "3603+0112+1290+0000",
        "3603%2D0112%2e1290_0000",
        "%33%36%30%33%30%31%31%32%31%32%39%30%30%30%30%30",
        "%2533%2536%2530%2533%2530%2531121290%25200000",
        "\u0663\u0666\u0660\u0663\u0660\u0661\u0661\u0662\u0661\u0662\u0669\u0660\u0660\u0660\u0660\u0660",
        NIK + "7",
    ],
)
def test_a_number_is_masked_in_every_dress(dressed: str) -> None:
    assert mask(f"/penduduk/{dressed}?q") == f"/penduduk/{MASK}?q"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "360301121290000",
        "2026-11-24T01:02:03.456Z",
        "2026-11-24 01:02:03.456789 10.0.0.1:8080",
        "3603, 0112, 1290, 0000",
        "http-503 after 12.5 s, attempt 3 of 99",
        "0197a000-0000-7000-8000-000000000000",
        "receipt 01971234-5678-7901-8345-678901234567.",
    ],
)
def test_shorter_numbers_moments_and_receipt_ids_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "01971234-5678-4901-8345-678901234567",
        "36030112-1290-7000-8000-678901234567",
        "901971234-5678-7901-8345-678901234567",
        "01971234-5678-7901-8345-6789012345678",
        "01971234-5678-7901-8345-678901234567-1",
    ],
)
def test_what_only_looks_like_a_receipt_id_is_masked(text: str) -> None:
    assert MASK in mask(text)


@given(st.integers(min_value=0))
def test_a_receipt_id_is_never_masked(seed: int) -> None:
    receipt = uuid7(now=1_764_000_000.0, rng=random.Random(seed))
    assert mask(f"id={receipt} ") == f"id={receipt} "


separators = st.sampled_from(["", "", " ", ".", "-", "%20", "%2E", "%2d", " - ", "+", "%2520"])


@given(
    before=st.text(),
    digits=st.lists(
        st.tuples(st.sampled_from("0123456789"), separators, st.booleans()), min_size=16
    ),
    after=st.text(),
)
def test_no_run_of_16_digits_survives(
    before: str, digits: list[tuple[str, str, bool]], after: str
) -> None:
    dressed = "".join(
        (f"%{ord(digit):02X}" if encoded else digit) + separator
        for digit, separator, encoded in digits
    )
    masked = mask(before + dressed + after)
    plain = re.sub(r"%(?:25)*(?:20|2[dDeEbB])|[ .+\-]", "", masked.replace(MASK, "|"))
    plain = re.sub(r"%(?:25)*3(\d)", r"\1", plain)
    assert MASK in masked
    assert not re.search(r"\d{16}", plain.replace(quote("|"), "|"))


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.text())
def test_a_line_stays_one_line_and_printable_text_stays(text: str) -> None:
    line = one_line(text)
    assert line.splitlines() in ([line], [])
    assert line == text or not text.isprintable()


def test_a_forged_log_line_is_escaped() -> None:
    assert one_line("a\r\nb\x1b[2J\u2028\x85") == r"a\r\nb\x1b[2J\u2028\x85"


def test_a_number_over_several_lines_is_masked_before_they_become_one() -> None:
    assert clean("NIK 3603\n0112\r\n1290\t0000\nend") == f"NIK {MASK}\\nend"
