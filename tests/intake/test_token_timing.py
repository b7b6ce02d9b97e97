"""How long a wrong token takes says nothing about the right one.

Wrong tokens that differ from the right one in their first or only in their last character are
checked by turns, and the lower quarter of their times is compared: what disturbs only adds. Must
not measure a network: there is far more noise there, for an attacker as for a test.
"""

import contextlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.admin.token import Bearer
from gateway.intake import station_file
from gateway.intake.replies import Refused
from gateway.intake.stations import Stations
from tests.support.clock import ManualClock

TURNS = 6_000
ROUNDS = 5
SAME = 0.04
"""Of the time that a check takes. One comparison of characters is more than that."""

Check = Callable[[str], bool]


def difference(check: Check, right: str) -> float:
    """How much longer the one that is wrong at its end takes, of the time that a check takes.

    Of some rounds the least: a difference that is there is there each time.
    """
    first = ("x" if right[0] != "x" else "y") + right[1:]
    last = right[:-1] + ("x" if right[-1] != "x" else "y")
    return min((_round(check, first, last) for _ in range(ROUNDS)), key=abs)


def _round(check: Check, first: str, last: str) -> float:
    times: dict[str, list[int]] = {first: [], last: []}
    for turn in range(TURNS):
        for token in (first, last) if turn % 2 else (last, first):
            began = time.perf_counter_ns()
            taken = check(token)
            times[token].append(time.perf_counter_ns() - began)
            assert not taken
    early, late = (sum(sorted(each)[: TURNS // 4]) for each in (times[first], times[last]))
    return (late - early) / early


@pytest.fixture
def station(tmp_path: Path) -> tuple[Check, str]:
    """A station's token as the public listener checks it."""
    file = tmp_path / "stations.json"
    right = station_file.add(file, "mauk-1", now=1.0)
    for number in range(100):
        station_file.add(file, f"mauk-1-{number}", now=1.0)
    stations = Stations(clock=ManualClock(), tokens_file=file)

    def check(token: str) -> bool:
        with contextlib.suppress(Refused):
            stations.identify(authorizations=[f"Bearer {token}"], certificate=None)
            return True
        return False

    assert check(right)
    return check, right


@pytest.fixture
def operator() -> tuple[Check, str]:
    """The operators' token as the admin listener checks it."""
    right = secrets.token_urlsafe(32)
    bearer = Bearer(right)
    return lambda token: bearer.admits(f"Bearer {token}"), right


@pytest.fixture
def careless() -> tuple[Check, str]:
    """What must not be: it stops at the first character that differs."""
    right = secrets.token_urlsafe(32)

    def check(token: str) -> bool:
        return all(one == other for one, other in zip(token, right, strict=False))

    return check, right


@pytest.mark.fault(
    34,
    did="timed the check of tokens that are wrong in their first or only in their last character",
    sees="the same time: within 4 % of a check; a careless one is found out",
    stand_in="the checks of both listeners, without a socket",
)
@pytest.mark.parametrize("who", ["station", "operator"])
def test_where_a_wrong_token_differs_cannot_be_timed(
    who: str, request: pytest.FixtureRequest
) -> None:
    check, right = request.getfixturevalue(who)
    assert abs(difference(check, right)) < SAME


def test_a_check_that_stops_at_the_first_difference_is_found_out(
    careless: tuple[Check, str],
) -> None:
    check, right = careless
    assert difference(check, right) > 4 * SAME
