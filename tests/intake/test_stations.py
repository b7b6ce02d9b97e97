"""Stations: told by token or certificate, revoked without a restart, limited each for itself."""

import contextlib
import json
import os
from pathlib import Path

import pytest
import structlog

from gateway.core.problems import ProblemType
from gateway.intake.replies import Refused
from gateway.intake.stations import (
    ANONYMOUS,
    Station,
    Stations,
    StationsFault,
    UsualLimits,
    hash_token,
)
from tests.support.clock import ManualClock


def named(name: str) -> dict[str, object]:
    """A verified client certificate, as ``getpeercert`` gives it."""
    return {"subject": ((("countryName", "ID"),), (("commonName", name),))}


def write(path: Path, *entries: dict[str, object]) -> None:
    """As the operators' command does: a new file in the place of the old one."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"stations": list(entries)}))
    draft.replace(path)


def entry(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "token_sha256": hash_token(f"token of {name}"), **more}


def who(stations: Stations, name: str) -> str:
    return stations.identify(authorizations=[f"Bearer token of {name}"], certificate=None).name


def test_without_tokens_a_station_is_its_certificate_or_anonymous() -> None:
    stations = Stations(clock=ManualClock())
    assert stations.identify(authorizations=["Bearer x"], certificate=None) is ANONYMOUS
    assert stations.identify(authorizations=[], certificate=named("mauk-1")).name == "mauk-1"
    assert not stations.use_tokens


def test_a_token_tells_the_station_whatever_its_certificate_says(tmp_path: Path) -> None:
    write(tmp_path / "t", entry("one"))
    stations = Stations(clock=ManualClock(), tokens_file=tmp_path / "t")
    station = stations.identify(authorizations=["bearer token of one"], certificate=named("two"))
    assert station.name == "one"


def test_a_revoked_token_is_refused_within_a_second(tmp_path: Path) -> None:
    clock = ManualClock()
    write(tmp_path / "t", entry("one"), entry("two"))
    stations = Stations(clock=clock, tokens_file=tmp_path / "t")
    assert who(stations, "one") == "one"
    write(tmp_path / "t", entry("one", revoked_at="2026-11-24"), entry("two"))
    clock.advance(1.0)
    with pytest.raises(Refused) as refusal:
        who(stations, "one")
    assert refusal.value.problem is ProblemType.UNAUTHORIZED
    assert who(stations, "two") == "two"


@pytest.mark.parametrize("content", ["", "[]", '{"stations": [{"name": "x"}]}'])
def test_a_file_that_breaks_later_leaves_the_known_stations(tmp_path: Path, content: str) -> None:
    clock = ManualClock()
    write(tmp_path / "t", entry("one"))
    stations = Stations(clock=clock, tokens_file=tmp_path / "t")
    (tmp_path / "t").write_text(content)
    clock.advance(1.0)
    assert who(stations, "one") == "one"
    os.unlink(tmp_path / "t")  # noqa: PTH108 - as an operator's slip
    clock.advance(1.0)
    assert who(stations, "one") == "one"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"stations": [{"name": "x"}]}',
        '{"stations": [{"name": 1, "token_sha256": "00"}]}',
        '{"stations": [{"name": "x", "token_sha256": "00", "max_inflight": "many"}]}',
        '{"stations": [{"name": "x", "token_sha256": "00", "per_second": 0}]}',
    ],
)
def test_a_broken_file_is_said_at_the_start(tmp_path: Path, content: str) -> None:
    (tmp_path / "t").write_text(content)
    with pytest.raises(StationsFault, match="stations add"):
        Stations(clock=ManualClock(), tokens_file=tmp_path / "t")


def test_a_missing_file_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(StationsFault, match="cannot be read"):
        Stations(clock=ManualClock(), tokens_file=tmp_path / "none")


def test_each_station_has_a_limit_of_its_own() -> None:
    stations = Stations(clock=ManualClock())
    one, two = Station("one", max_inflight=2), Station("two", max_inflight=2)
    stations.enter(one)
    stations.enter(one)
    stations.enter(two)
    with pytest.raises(Refused) as refusal:
        stations.enter(one)
    assert refusal.value.problem is ProblemType.TOO_MANY_REQUESTS
    stations.leave(one)
    stations.enter(one)


def test_anonymous_stations_have_no_limit_in_common() -> None:
    stations = Stations(clock=ManualClock())
    for _ in range(10_000):
        stations.enter(ANONYMOUS)


def test_a_limit_of_its_own_takes_the_place_of_the_usual_one() -> None:
    usual = UsualLimits(max_inflight=1, per_second=5.0)
    stations = Stations(clock=ManualClock(), usual=usual)
    one, many = Station("one"), Station("many", max_inflight=3, per_second=100.0)
    stations.enter(one)
    with pytest.raises(Refused):
        stations.enter(one)
    for _ in range(3):
        stations.enter(many)
    with pytest.raises(Refused):
        stations.enter(many)


def test_a_station_that_asks_too_often_is_told_when_to_come_back() -> None:
    clock = ManualClock()
    stations = Stations(clock=clock, usual=UsualLimits(per_second=2.0))
    one, two = Station("one"), Station("two")

    def ask(station: Station) -> None:
        stations.enter(station)
        stations.leave(station)

    ask(one)
    ask(one)
    with pytest.raises(Refused) as refusal:
        ask(one)
    assert refusal.value.problem is ProblemType.TOO_MANY_REQUESTS
    assert refusal.value.retry_after == 1
    ask(two)
    clock.advance(0.5)
    ask(one)
    with pytest.raises(Refused):
        ask(one)


@pytest.mark.parametrize(
    "certificate",
    [
        {"subject": ((("countryName", "ID"),),)},
        named(""),
        named("a name"),
        named("anonymous"),
        named("3603011212900000"),
        named("x" * 65),
    ],
)
def test_a_certificate_without_a_stations_name_is_refused(certificate: dict[str, object]) -> None:
    with pytest.raises(Refused) as refusal:
        Stations(clock=ManualClock()).identify(authorizations=[], certificate=certificate)
    assert (refusal.value.problem, refusal.value.reason) == (
        ProblemType.UNAUTHORIZED,
        "certificate-name",
    )


def test_a_file_that_breaks_is_told_once_until_it_is_good_again(tmp_path: Path) -> None:
    clock = ManualClock()
    write(tmp_path / "t", entry("one"))
    stations = Stations(clock=clock, tokens_file=tmp_path / "t")
    with structlog.testing.capture_logs() as told:
        for content in ("", "", '{"stations": []}', "[]"):
            (tmp_path / "t").write_text(content)
            clock.advance(1.0)
            with contextlib.suppress(Refused):
                who(stations, "one")
    assert [line["event"] for line in told] == ["stations_file_not_taken"] * 2
    assert {line["log_level"] for line in told} == {"error"}
