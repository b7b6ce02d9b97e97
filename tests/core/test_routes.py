"""The routes table: first match wins, and what changes nothing is never kept."""

import pytest

from gateway.core.rank import rank
from gateway.core.routes import Mode, Route, is_kept, route_for

TABLE = (
    Route("/login", frozenset({"POST"}), Mode.RELAY),
    Route("/enrollments/urgent*", hold_seconds=2.0, priority=0),
    Route("/search/*", mode=Mode.RELAY),
    Route("/search/save"),
)


@pytest.mark.parametrize(
    ("method", "path", "kept"),
    [
        ("POST", "/enrollments", True),
        ("PUT", "/enrollments/1", True),
        ("PATCH", "/enrollments/1", True),
        ("DELETE", "/enrollments/1", True),
        ("GET", "/enrollments", False),
        ("HEAD", "/enrollments", False),
        ("OPTIONS", "/enrollments", False),
        ("PROPFIND", "/enrollments", False),
        ("POST", "/login", False),
        ("PUT", "/login", True),
        ("POST", "/search/by/name", False),
        ("POST", "/search/save", False),
        ("GET", "/enrollments/urgent", False),
    ],
)
def test_a_request_is_kept_or_passed_on(method: str, path: str, *, kept: bool) -> None:
    assert is_kept(route_for(TABLE, method=method, path=path), method) is kept


def test_a_route_brings_its_hold_and_priority() -> None:
    route = route_for(TABLE, method="POST", path="/enrollments/urgent/7")
    assert (route.hold_seconds, route.priority) == (2.0, 0)


def test_an_aged_enrollment_overtakes_an_urgent_one() -> None:
    urgent = rank(accepted_at=10_000.0, priority=2)
    assert urgent < rank(accepted_at=10_000.0, priority=3)
    assert rank(accepted_at=6_000.0, priority=3) < urgent
    assert rank(accepted_at=10_000.0, priority=3) == 10_000.0
