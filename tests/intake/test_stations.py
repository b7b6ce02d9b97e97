"""Stations: told by token or certificate, revoked without a restart, limited each for itself."""

import json
import os
from pathlib import Path

import pytest

from gateway.core.problems import ProblemType
from gateway.intake.replies import Refused
from gateway.intake.stations import ANONYMOUS, Station, Stations, StationsFault, hash_token
from gateway.intake.tls import common_name
from tests.support.clock import ManualClock


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
    assert stations.identify(authorizations=[], certificate="mauk-1").name == "mauk-1"
    assert not stations.use_tokens


def test_a_token_tells_the_station_whatever_its_certificate_says(tmp_path: Path) -> None:
    write(tmp_path / "t", entry("one"))
    stations = Stations(clock=ManualClock(), tokens_file=tmp_path / "t")
    station = stations.identify(authorizations=["bearer token of one"], certificate="two")
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
        '{"stations": [{"name": "x", "token_sha256": "00", "limit": "many"}]}',
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
    one, two = Station("one", limit=2), Station("two", limit=2)
    stations.enter(one, "/e")
    stations.enter(one, "/e")
    stations.enter(two, "/e")
    with pytest.raises(Refused) as refusal:
        stations.enter(one, "/e")
    assert refusal.value.problem is ProblemType.TOO_MANY_REQUESTS
    stations.leave(one)
    stations.enter(one, "/e")


def test_anonymous_stations_have_no_limit_in_common() -> None:
    stations = Stations(clock=ManualClock())
    for _ in range(10_000):
        stations.enter(ANONYMOUS, "/e")


@pytest.mark.parametrize(
    ("certificate", "name"),
    [
        (None, None),
        ({}, None),
        ({"subject": ((("countryName", "ID"),),)}, None),
        ({"subject": ((("countryName", "ID"),), (("commonName", "mauk-1"),))}, "mauk-1"),
    ],
)
def test_the_common_name_of_a_certificate(
    certificate: dict[str, object] | None, name: str | None
) -> None:
    assert common_name(certificate) == name
