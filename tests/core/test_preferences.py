"""What stations ask for: read as the RFCs say; what cannot be read counts as not said."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.preferences import Preferences, digest_matches, parse_prefer, parse_priority

lines = st.lists(st.text(max_size=60), max_size=4)


@pytest.mark.parametrize(
    ("prefer", "respond_async", "wait", "at_once"),
    [
        ([], False, None, False),
        (["respond-async"], True, None, True),
        (["Respond-Async"], True, None, True),
        (["wait=5"], False, 5, False),
        (['wait="5"'], False, 5, False),
        (["wait=0"], False, 0, True),
        (["respond-async, wait=10"], True, 10, False),
        (["wait=10", "respond-async"], True, 10, False),
        (["wait=3, wait=9"], False, 3, False),
        (["wait=soon"], False, None, False),
        (["wait=-1"], False, None, False),
        (["return=minimal; note=x, respond-async; extra"], True, None, True),
        (['note="a, respond-async"'], False, None, False),
        (['note="a\\", respond-async"'], False, None, False),
        (['note="a" , respond-async'], True, None, True),
    ],
)
def test_prefer(prefer: list[str], *, respond_async: bool, wait: int | None, at_once: bool) -> None:
    preferences = parse_prefer(prefer)
    assert preferences == Preferences(respond_async=respond_async, wait=wait)
    assert preferences.at_once is at_once


@pytest.mark.parametrize(
    ("priority", "urgency"),
    [
        ([], None),
        (["u=0"], 0),
        (["u=7, i"], 7),
        (["i, u=2"], 2),
        (["u=1", "u=5"], 5),
        (["u=8"], None),
        (["u=-1"], None),
        (["u"], None),
        (["u=1.5"], None),
        (["urgent"], None),
    ],
)
def test_priority(priority: list[str], urgency: int | None) -> None:
    assert parse_priority(priority) == urgency


BODY = b"a citizen's packet"
DIGEST = hashlib.sha256(BODY).digest()
RIGHT = base64.b64encode(DIGEST).decode()
WRONG = base64.b64encode(hashlib.sha256(b"altered").digest()).decode()


@pytest.mark.parametrize(
    ("content_digest", "agrees"),
    [
        ([], True),
        ([f"sha-256=:{RIGHT}:"], True),
        ([f"sha-512=:AAAA:, sha-256=:{RIGHT}:"], True),
        (["sha-512=:AAAA:"], True),
        ([f"sha-256=:{WRONG}:"], False),
        ([f"sha-256=:{RIGHT}:", f"sha-256=:{WRONG}:"], False),
        ([f"sha-256={RIGHT}"], False),
        (["sha-256=:not base64:"], False),
        (["sha-256"], False),
        (["sha-256=::"], False),
    ],
)
def test_content_digest(content_digest: list[str], *, agrees: bool) -> None:
    assert digest_matches(content_digest, DIGEST) is agrees


@given(lines)
def test_nothing_that_a_station_writes_breaks_the_reading(text: list[str]) -> None:
    wait = parse_prefer(text).wait
    assert wait is None or wait >= 0
    assert parse_priority(text) in {None, *range(8)}
    assert digest_matches(text, DIGEST) in {True, False}


def test_a_long_hostile_line_is_read_in_one_pass() -> None:
    hostile = '\\"' * 4000 + '"'
    assert parse_prefer([hostile]) == Preferences()
