"""What an operator asks for is read strictly: a misspelt filter never widens an act."""

import pytest
from multidict import MultiDict

from gateway.admin import asking
from gateway.admin.asking import Listing, Unreadable
from gateway.core.lifecycle import Status

ID = "0197a000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("90s", 90.0),
        ("15m", 900.0),
        ("2h", 7200.0),
        ("7d", 604_800.0),
        ("1.5h", 5400),
    ],
)
def test_a_duration_is_seconds_or_has_a_unit(text: str, seconds: float) -> None:
    assert asking.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-1h", "1w", "1h30m", " 1h", "1e9", "inf", "1" * 20])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(Unreadable, match="older_than must be like"):
        asking.duration(text)


@pytest.mark.parametrize(
    ("pairs", "listing"),
    [
        ([], Listing()),
        (
            [("status", "pending"), ("status", "in_doubt")],
            Listing(statuses=(Status.PENDING, Status.IN_DOUBT)),
        ),
        (
            [("older_than", "2h"), ("limit", "1000"), ("cursor", ID)],
            Listing(older_than=7200.0, limit=1000, cursor=ID),
        ),
    ],
)
def test_a_listing_is_read(pairs: list[tuple[str, str]], listing: Listing) -> None:
    assert asking.listing(MultiDict(pairs)) == listing


@pytest.mark.parametrize(
    "pairs",
    [
        [("state", "pending")],
        [("status", "lost")],
        [("status", "")],
        [("limit", "0")],
        [("limit", "1001")],
        [("limit", "ten")],
        [("limit", "\u0661\u0660")],
        [("limit", "1"), ("limit", "2")],
        [("older_than", "soon")],
        [("cursor", "../status")],
    ],
)
def test_a_listing_that_makes_no_sense_is_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Unreadable):
        asking.listing(MultiDict(pairs))


@pytest.mark.parametrize(
    ("raw", "older_than"),
    [
        (b'{"status": "dead_letter"}', None),
        (b'{"status": "dead_letter", "older_than": null}', None),
        (b'{"status": "dead_letter", "older_than": "2h"}', 7200.0),
        (b'{"status": "dead_letter", "older_than": 90}', 90.0),
    ],
)
def test_a_filter_to_requeue_by_is_read(raw: bytes, older_than: float | None) -> None:
    assert asking.requeue(asking.body(raw)) == older_than


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"{",
        b"\xff",
        b'"dead_letter"',
        b'{"status": "pending"}',
        b'{"status": ["dead_letter"]}',
        b'{"status": "dead_letter", "older": "2h"}',
        b'{"status": "dead_letter", "older_than": "x"}',
        b'{"status": "dead_letter", "older_than": true}',
    ],
)
def test_any_other_filter_requeues_nothing(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        asking.requeue(asking.body(raw))


def test_a_reason_is_masked_cut_and_on_one_line() -> None:
    raw = b'{"reason": " server moves\\r\\n3603 0112 1290 0000 "}'
    assert asking.pause(asking.body(raw)) == r"server moves\r\n[16 digits]"
    assert asking.pause(asking.body(b"")) == ""
    assert len(asking.pause({"reason": "x" * 999})) == 200


@pytest.mark.parametrize("raw", [b'{"reason": 7}', b'{"why": "x"}'])
def test_any_other_pause_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        asking.pause(asking.body(raw))
